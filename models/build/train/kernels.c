/* The training's hot loops that oneDNN runs slowly or not at all, for AVX-512.
 *
 * All maps are NHWC bfloat16 (uint16_t here), channels a multiple of 32; sums are float32.
 * A 3x3 depthwise convolution has taps k = 3 * row + column; `before` is the padding above and on
 * the left, and below and on the right there is as much as the last window needs. For stride 2 and
 * an even size, before = 0 is TensorFlow's SAME and before = 1 the usual symmetric padding.
 */

#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TAPS = 9, LANES = 16, LINE = 32, MAX_CHANNELS = 1024 };

static const uint16_t ZEROS[MAX_CHANNELS] __attribute__((aligned(64)));

static inline __m512 load(const uint16_t *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

static inline void store(uint16_t *p, __m512 v)
{
    _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(v));
}

/* Where ReLU6 let the value pass: 0 < v < 6. */
static inline __mmask16 passed(__m512 v)
{
    return _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ)
         & _mm512_cmp_ps_mask(v, _mm512_set1_ps(6.0f), _CMP_LT_OQ);
}

static inline __m512 dot9(const uint16_t *const tap[TAPS], const float *weight, int channels, int c,
                          __m512 sum)
{
    for (int k = 0; k < TAPS; k++)
        sum = _mm512_fmadd_ps(load(tap[k] + c), _mm512_loadu_ps(weight + k * channels + c), sum);
    return sum;
}

/* The nine input cells of output cell (i, j); outside the map, zeros. */
static inline void window(const uint16_t *x, int h, int w, int channels, int stride, int before,
                          int i, int j, const uint16_t *tap[TAPS])
{
    int top = i * stride - before, left = j * stride - before;
    if (top >= 0 && left >= 0 && top + 2 < h && left + 2 < w) { /* most cells: no tests per tap */
        const uint16_t *first = x + ((size_t)top * w + left) * channels;
        for (int k = 0; k < TAPS; k++)
            tap[k] = first + ((k / 3) * w + k % 3) * channels;
        return;
    }
    for (int k = 0; k < TAPS; k++) {
        int row = top + k / 3, column = left + k % 3;
        int inside = row >= 0 && row < h && column >= 0 && column < w;
        tap[k] = inside ? x + ((size_t)row * w + column) * channels : ZEROS;
    }
}

static inline __m512 relu6(__m512 v)
{
    return _mm512_min_ps(_mm512_max_ps(v, _mm512_setzero_ps()), _mm512_set1_ps(6.0f));
}

/* y = relu6(conv(x) + bias) of n images; weight (9, channels). */
void depthwise_forward(const uint16_t *x, const float *weight, const float *bias, uint16_t *y, int n, int h, int w, int channels, int stride, int before)
{
    int oh = h / stride, ow = w / stride;
    const uint16_t *tap[TAPS];
    for (int b = 0; b < n; b++, x += (size_t)h * w * channels)
        for (int i = 0; i < oh; i++)
            for (int j = 0; j < ow; j++, y += channels) {
                window(x, h, w, channels, stride, before, i, j, tap);
                for (int c = 0; c < channels; c += LANES) {
                    __m512 v = dot9(tap, weight, channels, c, _mm512_loadu_ps(bias + c));
                    store(y + c, relu6(v));
                }
            }
}

/* gm = g where ReLU6 passed; adds to gb and gw (9, channels) of one image. */
static void masked_and_weights(const uint16_t *g, const uint16_t *y, const uint16_t *x, uint16_t *gm,
                               float *gw, float *gb, int h, int w, int channels, int stride, int before)
{
    int oh = h / stride, ow = w / stride;
    const uint16_t *tap[TAPS];
    for (int c = 0; c < channels; c += LINE) { /* one cache line of channels in registers */
        __m512 sum[TAPS][2], bias[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        for (int k = 0; k < TAPS; k++)
            sum[k][0] = sum[k][1] = _mm512_setzero_ps();
        for (int i = 0; i < oh; i++)
            for (int j = 0; j < ow; j++) {
                size_t at = ((size_t)i * ow + j) * channels + c;
                __m512 g0 = _mm512_maskz_mov_ps(passed(load(y + at)), load(g + at));
                __m512 g1 = _mm512_maskz_mov_ps(passed(load(y + at + LANES)), load(g + at + LANES));
                store(gm + at, g0);
                store(gm + at + LANES, g1);
                bias[0] = _mm512_add_ps(bias[0], g0);
                bias[1] = _mm512_add_ps(bias[1], g1);
                window(x, h, w, channels, stride, before, i, j, tap);
#pragma GCC unroll 9
                for (int k = 0; k < TAPS; k++) {
                    sum[k][0] = _mm512_fmadd_ps(g0, load(tap[k] + c), sum[k][0]);
                    sum[k][1] = _mm512_fmadd_ps(g1, load(tap[k] + c + LANES), sum[k][1]);
                }
            }
        for (int half = 0; half < 2; half++) {
            int at = c + half * LANES;
            _mm512_storeu_ps(gb + at, _mm512_add_ps(_mm512_loadu_ps(gb + at), bias[half]));
            for (int k = 0; k < TAPS; k++) {
                float *p = gw + k * channels + at;
                _mm512_storeu_ps(p, _mm512_add_ps(_mm512_loadu_ps(p), sum[k][half]));
            }
        }
    }
}

/* Gradients of a depthwise convolution with ReLU6 over n images. gx is also stopped where x itself
 * is at a bound of ReLU6, since x comes out of one: the layer before need not do it. Adds to gw
 * (9, channels) and gb; gm is room for one image's y. */
static void depthwise_gradients(const uint16_t *g, const uint16_t *y, const uint16_t *x,
                                const float *weight, uint16_t *gx, uint16_t *gm, float *gw,
                                float *gb, int h, int w, int channels, int stride, int before)
{
    int oh = h / stride, ow = w / stride;
    const uint16_t *tap[TAPS];
    masked_and_weights(g, y, x, gm, gw, gb, h, w, channels, stride, before);
    for (int row = 0; row < h; row++)
        for (int column = 0; column < w; column++, gx += channels, x += channels) {
            const float *used[TAPS];
            int count = 0;
            for (int k = 0; k < TAPS; k++) { /* the outputs that read this cell */
                int i = row + before - k / 3, j = column + before - k % 3;
                if (i < 0 || j < 0 || i % stride || j % stride || i / stride >= oh
                    || j / stride >= ow)
                    continue;
                tap[count] = gm + ((size_t)(i / stride) * ow + j / stride) * channels;
                used[count++] = weight + k * channels;
            }
            for (int c = 0; c < channels; c += LANES) {
                __m512 v = _mm512_setzero_ps();
                for (int k = 0; k < count; k++)
                    v = _mm512_fmadd_ps(load(tap[k] + c), _mm512_loadu_ps(used[k] + c), v);
                store(gx + c, _mm512_maskz_mov_ps(passed(load(x + c)), v));
            }
        }
}

static void *room(size_t bytes)
{
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

/* The gradients above, for n images; gw and gb are overwritten. Returns 0, or -1 without memory. */
int depthwise_backward(const uint16_t *g, const uint16_t *y, const uint16_t *x, const float *weight,
                       uint16_t *gx, float *gw, float *gb, int n, int h, int w, int channels,
                       int stride, int before)
{
    size_t in = (size_t)h * w * channels, out = in / (size_t)(stride * stride);
    uint16_t *gm = room(out * sizeof *gm);
    if (!gm)
        return -1;
    memset(gw, 0, sizeof(float) * TAPS * (size_t)channels);
    memset(gb, 0, sizeof(float) * (size_t)channels);
    for (int b = 0; b < n; b++)
        depthwise_gradients(g + b * out, y + b * out, x + b * in, weight, gx + b * in, gm, gw, gb, h,
                            w, channels, stride, before);
    free(gm);
    return 0;
}

/* Products of matrices of bfloat16 pairs, two neighbours of the inner dimension in one uint32_t.
 *
 * Left: pair k of row r is at pairs[r * row + k * step]. Right: pair k of column 64 p + c is at
 * pairs[p * panel + k * step + c]. A tile is up to 6 rows by one panel of 64 columns: 24 sums, 4
 * vectors of the panel and a broadcast fill the 32 registers. */

enum { ROWS = 6, PANEL = 64, VECTORS = PANEL / LANES };

typedef struct {
    const uint32_t *pairs;
    size_t row, step;
} Left;

typedef struct {
    const uint32_t *pairs;
    size_t panel, step;
} Right;

/* What becomes of a sum: float32 added to `sums`, or, where that is NULL, act(sum + bias) + addend
 * stored in `map`. Rows of either have `columns` entries. */
typedef struct {
    float *sums;
    uint16_t *map;
    const uint16_t *addend;
    const float *bias;
    int relu6, columns;
} Result;

static inline __attribute__((always_inline)) void tile(const int rows, Left a, const uint32_t *b,
                                                       size_t b_step, int pairs, Result out,
                                                       int first, int column)
{
    __m512 sum[ROWS][VECTORS];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            sum[r][v] = _mm512_setzero_ps();
    const uint32_t *left = a.pairs + (size_t)first * a.row;
    for (int k = 0; k < pairs; k++, left += a.step, b += b_step) {
        __m512bh right[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            right[v] = (__m512bh)_mm512_loadu_si512(b + v * LANES);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m512bh l = (__m512bh)_mm512_set1_epi32((int)left[(size_t)r * a.row]);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                sum[r][v] = _mm512_dpbf16_ps(sum[r][v], l, right[v]);
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            int c = column + v * LANES;
            size_t at = (size_t)(first + r) * out.columns + c;
            __m512 value = sum[r][v];
            if (out.sums) {
                float *p = out.sums + at;
                _mm512_storeu_ps(p, _mm512_add_ps(_mm512_loadu_ps(p), value));
                continue;
            }
            if (out.bias)
                value = _mm512_add_ps(value, _mm512_loadu_ps(out.bias + c));
            if (out.relu6)
                value = relu6(value);
            if (out.addend)
                value = _mm512_add_ps(value, load(out.addend + at));
            store(out.map + at, value);
        }
}

static void multiply(Left a, Right b, int rows, int pairs, Result out)
{
    for (int column = 0; column < out.columns; column += PANEL, b.pairs += b.panel)
        for (int r = 0; r < rows; r += ROWS)
            switch (rows - r) {
            case 1: tile(1, a, b.pairs, b.step, pairs, out, r, column); break;
            case 2: tile(2, a, b.pairs, b.step, pairs, out, r, column); break;
            case 3: tile(3, a, b.pairs, b.step, pairs, out, r, column); break;
            case 4: tile(4, a, b.pairs, b.step, pairs, out, r, column); break;
            case 5: tile(5, a, b.pairs, b.step, pairs, out, r, column); break;
            default: tile(6, a, b.pairs, b.step, pairs, out, r, column);
            }
}

/* A map's cells as rows of the left matrix; channels are the inner dimension. */
static Left cells(const uint16_t *map, int channels)
{
    return (Left){(const uint32_t *)map, (size_t)channels / 2, 1};
}

/* Weights packed in panels of 64 columns. */
static Right panels(const uint16_t *packed, int inner)
{
    return (Right){(const uint32_t *)packed, (size_t)inner / 2 * PANEL, PANEL};
}

/* Pair every two cells of a map, channel by channel, so that cells are the inner dimension; an odd
 * last cell is paired with zeros. Adds every cell to `sums` unless it is NULL. */
static void pair_cells(const uint16_t *map, uint32_t *out, float *sums, int count, int channels)
{
    for (int m = 0; m < count; m += 2, map += 2 * channels, out += channels) {
        const uint16_t *second = m + 1 < count ? map + channels : ZEROS;
        for (int c = 0; c < channels; c += LANES) {
            __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(map + c)));
            __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(second + c)));
            high = _mm512_slli_epi32(high, 16);
            _mm512_storeu_si512(out + c, _mm512_or_si512(low, high));
            if (sums) {
                __m512 both = _mm512_add_ps(_mm512_castsi512_ps(_mm512_slli_epi32(low, 16)),
                                            _mm512_castsi512_ps(high));
                _mm512_storeu_ps(sums + c, _mm512_add_ps(_mm512_loadu_ps(sums + c), both));
            }
        }
    }
}

/* gw (channels of g, channels of x) += g^T x over the cells of one image. */
static void weight_gradient(const uint32_t *g, const uint32_t *x, float *gw, int count, int outputs,
                            int inputs)
{
    Left left = {g, 1, (size_t)outputs};
    Right right = {x, PANEL, (size_t)inputs};
    multiply(left, right, outputs, (count + 1) / 2, (Result){.sums = gw, .columns = inputs});
}

/* The shape of a bottleneck. Weights of the 1x1 convolutions are packed by the caller. */
typedef struct {
    int n, h, w, inputs, wide, outputs, stride, before, residual;
} Shape;

/* y = project(depthwise(expand(x))) (+ x), image by image so that the wide maps stay in the cache.
 * e and d receive the wide maps of all images, or, where e is NULL, are not kept. Returns 0, or -1 if memory is short. */
int bottleneck_forward(const Shape *s, const uint16_t *x, const uint16_t *expand, const float *bias_e,
                       const float *weight_d, const float *bias_d, const uint16_t *project,
                       const float *bias_p, uint16_t *e, uint16_t *d, uint16_t *y)
{
    int in = s->h * s->w, out = in / (s->stride * s->stride);
    size_t e_size = (size_t)in * s->wide, d_size = (size_t)out * s->wide;
    uint16_t *kept = e ? NULL : room((e_size + d_size) * sizeof *kept);
    if (!e && !kept)
        return -1;
    for (int b = 0; b < s->n; b++) {
        uint16_t *wide = e ? e + b * e_size : kept, *deep = e ? d + b * d_size : kept + e_size;
        multiply(cells(x, s->inputs), panels(expand, s->inputs), in, s->inputs / 2,
                 (Result){.map = wide, .bias = bias_e, .relu6 = 1, .columns = s->wide});
        depthwise_forward(wide, weight_d, bias_d, deep, 1, s->h, s->w, s->wide, s->stride,
                          s->before);
        multiply(cells(deep, s->wide), panels(project, s->wide), out, s->wide / 2,
                 (Result){.map = y, .bias = bias_p, .addend = s->residual ? x : NULL,
                          .columns = s->outputs});
        x += (size_t)in * s->inputs;
        y += (size_t)out * s->outputs;
    }
    free(kept);
    return 0;
}

/* Gradients of a bottleneck with ReLU6, given what bottleneck_forward kept. expand_t and project_t
 * are the weights packed for the way back. All gw and gb are overwritten. Returns 0 or -1. */
int bottleneck_backward(const Shape *s, const uint16_t *g, const uint16_t *x, const uint16_t *e,
                        const uint16_t *d, const uint16_t *expand_t, const float *weight_d,
                        const uint16_t *project_t, uint16_t *gx, float *gw_e, float *gb_e,
                        float *gw_d, float *gb_d, float *gw_p, float *gb_p)
{
    int in = s->h * s->w, out = in / (s->stride * s->stride);
    size_t e_size = (size_t)in * s->wide, d_size = (size_t)out * s->wide;
    size_t pairs = (size_t)(in + 1) / 2 * s->wide;
    uint16_t *ge = room((e_size + 2 * d_size) * sizeof *ge), *gd = ge + e_size, *gm = gd + d_size;
    uint32_t *left = room(2 * pairs * sizeof *left), *right = left + pairs;
    if (!ge || !left) {
        free(ge);
        free(left);
        return -1;
    }
    memset(gw_e, 0, sizeof(float) * (size_t)(s->wide * s->inputs));
    memset(gw_p, 0, sizeof(float) * (size_t)(s->outputs * s->wide));
    memset(gw_d, 0, sizeof(float) * TAPS * (size_t)s->wide);
    memset(gb_e, 0, sizeof(float) * (size_t)s->wide);
    memset(gb_d, 0, sizeof(float) * (size_t)s->wide);
    memset(gb_p, 0, sizeof(float) * (size_t)s->outputs);
    for (int b = 0; b < s->n; b++) {
        pair_cells(g, left, gb_p, out, s->outputs);
        pair_cells(d, right, NULL, out, s->wide);
        weight_gradient(left, right, gw_p, out, s->outputs, s->wide);
        multiply(cells(g, s->outputs), panels(project_t, s->outputs), out, s->outputs / 2,
                 (Result){.map = gd, .columns = s->wide});
        depthwise_gradients(gd, d, e, weight_d, ge, gm, gw_d, gb_d, s->h, s->w, s->wide, s->stride,
                            s->before);
        pair_cells(ge, left, gb_e, in, s->wide);
        pair_cells(x, right, NULL, in, s->inputs);
        weight_gradient(left, right, gw_e, in, s->wide, s->inputs);
        multiply(cells(ge, s->wide), panels(expand_t, s->wide), in, s->wide / 2,
                 (Result){.map = gx, .addend = s->residual ? g : NULL, .columns = s->inputs});
        g += (size_t)out * s->outputs;
        x += (size_t)in * s->inputs;
        gx += (size_t)in * s->inputs;
        e += e_size;
        d += d_size;
    }
    free(ge);
    free(left);
    return 0;
}
