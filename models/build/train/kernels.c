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

/* y = act(conv(x) + bias); weight (9, channels). slope: PReLU's, or NULL for ReLU6. */
void depthwise_forward(const uint16_t *x, const float *weight, const float *bias, const float *slope,
                       uint16_t *y, int n, int h, int w, int channels, int stride,
                       int before)
{
    int oh = h / stride, ow = w / stride;
    const uint16_t *tap[TAPS];
    for (int b = 0; b < n; b++, x += (size_t)h * w * channels)
        for (int i = 0; i < oh; i++)
            for (int j = 0; j < ow; j++, y += channels) {
                window(x, h, w, channels, stride, before, i, j, tap);
                for (int c = 0; c < channels; c += LANES) {
                    __m512 v = dot9(tap, weight, channels, c, _mm512_loadu_ps(bias + c));
                    if (slope) {
                        __m512 low = _mm512_mul_ps(_mm512_min_ps(v, _mm512_setzero_ps()),
                                                   _mm512_loadu_ps(slope + c));
                        v = _mm512_add_ps(_mm512_max_ps(v, _mm512_setzero_ps()), low);
                    } else {
                        v = _mm512_min_ps(_mm512_max_ps(v, _mm512_setzero_ps()), _mm512_set1_ps(6.0f));
                    }
                    store(y + c, v);
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

/* Gradients of a depthwise convolution with ReLU6. gx is also stopped where x itself is at a bound
 * of ReLU6, since x comes out of one: the layer before need not do it. Returns 0, or -1 if memory
 * is short. gw (9, channels) and gb (channels) are overwritten. */
int depthwise_backward(const uint16_t *g, const uint16_t *y, const uint16_t *x, const float *weight,
                       uint16_t *gx, float *gw, float *gb, int n, int h, int w, int channels,
                       int stride, int before)
{
    int oh = h / stride, ow = w / stride;
    size_t out = (size_t)oh * ow * channels;
    uint16_t *gm = aligned_alloc(64, (out * sizeof *gm + 63) / 64 * 64);
    if (!gm)
        return -1;
    memset(gw, 0, sizeof(float) * TAPS * (size_t)channels);
    memset(gb, 0, sizeof(float) * (size_t)channels);
    const uint16_t *tap[TAPS];
    for (int b = 0; b < n; b++, g += out, y += out, x += (size_t)h * w * channels) {
        masked_and_weights(g, y, x, gm, gw, gb, h, w, channels, stride, before);
        for (int row = 0; row < h; row++)
            for (int column = 0; column < w; column++, gx += channels) {
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
                const uint16_t *cell = x + ((size_t)row * w + column) * channels;
                for (int c = 0; c < channels; c += LANES) {
                    __m512 v = _mm512_setzero_ps();
                    for (int k = 0; k < count; k++)
                        v = _mm512_fmadd_ps(load(tap[k] + c), _mm512_loadu_ps(used[k] + c), v);
                    store(gx + c, _mm512_maskz_mov_ps(passed(load(cell + c)), v));
                }
            }
    }
    free(gm);
    return 0;
}

/* Squared error of student cell (i, j) against teacher cell (i + 1, j + 1), summed; gradient is
 * scale * 2 * difference, and zero where the student's last row and column have no counterpart. */
double stage_error(const uint16_t *student, const uint16_t *teacher, uint16_t *gradient, float scale,
                   int n, int h, int w, int channels)
{
    double total = 0.0;
    for (int b = 0; b < n; b++) {
        __m512 sum = _mm512_setzero_ps();
        for (int i = 0; i < h; i++)
            for (int j = 0; j < w; j++) {
                size_t at = (((size_t)b * h + i) * w + j) * channels;
                if (i == h - 1 || j == w - 1) {
                    memset(gradient + at, 0, sizeof *gradient * (size_t)channels);
                    continue;
                }
                size_t other = at + ((size_t)w + 1) * channels;
                for (int c = 0; c < channels; c += LANES) {
                    __m512 d = _mm512_sub_ps(load(student + at + c), load(teacher + other + c));
                    sum = _mm512_fmadd_ps(d, d, sum);
                    store(gradient + at + c, _mm512_mul_ps(d, _mm512_set1_ps(2.0f * scale)));
                }
            }
        total += _mm512_reduce_add_ps(sum);
    }
    return total;
}
