// dlib's own output for aligned faces: what the TFLite files must agree with.
//
//   g++ -O1 -std=c++14 reference.cpp -ldlib -lblas -llapack -o reference     (Debian: libdlib-dev)
//   ./reference dlib_face_recognition_resnet_model_v1.dat < chips.raw > vectors.raw
//
// chips.raw: 150x150 RGB bytes, one face after the other (chips.cpp makes them); vectors.raw: 128
// float32 each.
#include <dlib/dnn.h>

#include <iostream>
#include <vector>

using namespace dlib;

constexpr long SIDE = 150;

template <long N, int STRIDE, typename BELOW>
using half = affine<con<N, 3, 3, 1, 1, relu<affine<con<N, 3, 3, STRIDE, STRIDE, BELOW>>>>>;

template <long N, typename BELOW>
using same = relu<add_prev1<half<N, 1, tag1<BELOW>>>>;

template <long N, typename BELOW>
using down = relu<add_prev2<avg_pool<2, 2, 2, 2, skip1<tag2<half<N, 2, tag1<BELOW>>>>>>>;

using stem = max_pool<3, 3, 2, 2, relu<affine<con<32, 7, 7, 2, 2, input_rgb_image_sized<SIDE>>>>>;
using level1 = same<32, same<32, same<32, stem>>>;
using level2 = same<64, same<64, same<64, down<64, level1>>>>;
using level3 = same<128, same<128, down<128, level2>>>;
using level4 = same<256, same<256, down<256, level3>>>;
using network = loss_metric<fc_no_bias<128, avg_pool_everything<down<256, level4>>>>;

int main(int, char** arguments)
{
    network net;
    deserialize(arguments[1]) >> net;
    matrix<rgb_pixel> chip(SIDE, SIDE);
    while (std::cin.read(reinterpret_cast<char*>(&chip(0, 0)), SIDE * SIDE * 3))
    {
        const matrix<float, 0, 1> vector = net(chip);
        std::cout.write(reinterpret_cast<const char*>(&vector(0)), 128 * sizeof(float));
    }
}
