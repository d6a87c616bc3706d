// Faces as dlib itself finds and cuts them out: its detector, its five points, its mean face.
//
//   g++ -O1 -std=c++14 chips.cpp -ldlib -lblas -llapack -o chips     (Debian: libdlib-dev)
//   ./chips shape_predictor_5_face_landmarks.dat < pictures.raw > chips.raw
//
// pictures.raw: for each "WIDTH HEIGHT\n" and its RGB bytes; chips.raw: 150x150 RGB bytes of the
// most central face of each picture that shows one.
#include <dlib/image_processing.h>
#include <dlib/image_processing/frontal_face_detector.h>
#include <dlib/image_transforms.h>

#include <algorithm>
#include <iostream>

using namespace dlib;

int main(int, char** arguments)
{
    auto find = get_frontal_face_detector();
    shape_predictor five;
    deserialize(arguments[1]) >> five;
    long width, height;
    while (std::cin >> width >> height)
    {
        std::cin.get();
        matrix<rgb_pixel> picture(height, width);
        std::cin.read(reinterpret_cast<char*>(&picture(0, 0)), width * height * 3);
        const auto faces = find(picture);
        const point middle(width / 2, height / 2);
        const auto face = std::min_element(
            faces.begin(), faces.end(), [&](const rectangle& one, const rectangle& other)
            { return length(center(one) - middle) < length(center(other) - middle); });
        if (face == faces.end())
            continue;
        matrix<rgb_pixel> chip;
        extract_image_chip(picture, get_face_chip_details(five(picture, *face), 150, 0.25), chip);
        std::cout.write(reinterpret_cast<const char*>(&chip(0, 0)), 150 * 150 * 3);
    }
}
