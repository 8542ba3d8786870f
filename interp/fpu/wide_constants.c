/*
 * Constants of the transcendental functions, rounded to 128 bits: Taylor coefficients and values
 * at multiples of 1/16.
 */
#include "interp/fpu/wide_constants.h"

// clang-format off
const struct wide wide_ln2 = {false, -1, UINT64_C(0xb17217f7d1cf79ab), UINT64_C(0xc9e3b39803f2f6af)};
const struct wide wide_log2e = {false, 0, UINT64_C(0xb8aa3b295c17f0bb), UINT64_C(0xbe87fed0691d3e89)};
const struct wide wide_pi = {false, 1, UINT64_C(0xc90fdaa22168c234), UINT64_C(0xc4c6628b80dc1cd1)};

const struct wide wide_expm1_coefficients[11] = {
    {false, 0, UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {false, -1, UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {false, -3, UINT64_C(0xaaaaaaaaaaaaaaaa), UINT64_C(0xaaaaaaaaaaaaaaab)},
    {false, -5, UINT64_C(0xaaaaaaaaaaaaaaaa), UINT64_C(0xaaaaaaaaaaaaaaab)},
    {false, -7, UINT64_C(0x8888888888888888), UINT64_C(0x8888888888888889)},
    {false, -10, UINT64_C(0xb60b60b60b60b60b), UINT64_C(0x60b60b60b60b60b6)},
    {false, -13, UINT64_C(0xd00d00d00d00d00d), UINT64_C(0x00d00d00d00d00d0)},
    {false, -16, UINT64_C(0xd00d00d00d00d00d), UINT64_C(0x00d00d00d00d00d0)},
    {false, -19, UINT64_C(0xb8ef1d2ab6399c7d), UINT64_C(0x560e4472800b8ef2)},
    {false, -22, UINT64_C(0x93f27dbbc4fae397), UINT64_C(0x780b69f5333c725b)},
    {false, -26, UINT64_C(0xd7322b3faa271c7f), UINT64_C(0x3a3f25c1bee38f10)},
};

const struct wide wide_sin_coefficients[12] = {
    {false, 0, UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {false, -3, UINT64_C(0xaaaaaaaaaaaaaaaa), UINT64_C(0xaaaaaaaaaaaaaaab)},
    {false, -7, UINT64_C(0x8888888888888888), UINT64_C(0x8888888888888889)},
    {false, -13, UINT64_C(0xd00d00d00d00d00d), UINT64_C(0x00d00d00d00d00d0)},
    {false, -19, UINT64_C(0xb8ef1d2ab6399c7d), UINT64_C(0x560e4472800b8ef2)},
    {false, -26, UINT64_C(0xd7322b3faa271c7f), UINT64_C(0x3a3f25c1bee38f10)},
    {false, -33, UINT64_C(0xb092309d43684be5), UINT64_C(0x1c198e91d7b4269e)},
    {false, -41, UINT64_C(0xd73f9f399dc0f88e), UINT64_C(0xc32b58774657f48f)},
    {false, -49, UINT64_C(0xca963b81856a5359), UINT64_C(0x3028cbbb8d7ff53c)},
    {false, -57, UINT64_C(0x97a4da340a0ab926), UINT64_C(0x50f61dbdcb3a5abf)},
    {false, -66, UINT64_C(0xb8dc77b6e7ab8c5f), UINT64_C(0x78a37e77372290c2)},
    {false, -75, UINT64_C(0xbb0da098b1c0cecb), UINT64_C(0xdc3826ebfb13cc27)},
};

const struct wide wide_cos_coefficients[12] = {
    {false, 0, UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {false, -1, UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {false, -5, UINT64_C(0xaaaaaaaaaaaaaaaa), UINT64_C(0xaaaaaaaaaaaaaaab)},
    {false, -10, UINT64_C(0xb60b60b60b60b60b), UINT64_C(0x60b60b60b60b60b6)},
    {false, -16, UINT64_C(0xd00d00d00d00d00d), UINT64_C(0x00d00d00d00d00d0)},
    {false, -22, UINT64_C(0x93f27dbbc4fae397), UINT64_C(0x780b69f5333c725b)},
    {false, -29, UINT64_C(0x8f76c77fc6c4bdaa), UINT64_C(0x26d4c3d67f425f60)},
    {false, -37, UINT64_C(0xc9cba54603e4e905), UINT64_C(0xd6f8a2efd1f27546)},
    {false, -45, UINT64_C(0xd73f9f399dc0f88e), UINT64_C(0xc32b58774657f48f)},
    {false, -53, UINT64_C(0xb413c31dcbecbbdd), UINT64_C(0x8024435161554bc3)},
    {false, -62, UINT64_C(0xf2a15d201011283d), UINT64_C(0x4e5695fc785d5dff)},
    {false, -70, UINT64_C(0x8671cb6dbfc294a2), UINT64_C(0x86485bf99c763abc)},
};

const struct wide wide_atanh_coefficients[16] = {
    {false, 0, UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {false, -2, UINT64_C(0xaaaaaaaaaaaaaaaa), UINT64_C(0xaaaaaaaaaaaaaaab)},
    {false, -3, UINT64_C(0xcccccccccccccccc), UINT64_C(0xcccccccccccccccd)},
    {false, -3, UINT64_C(0x9249249249249249), UINT64_C(0x2492492492492492)},
    {false, -4, UINT64_C(0xe38e38e38e38e38e), UINT64_C(0x38e38e38e38e38e4)},
    {false, -4, UINT64_C(0xba2e8ba2e8ba2e8b), UINT64_C(0xa2e8ba2e8ba2e8ba)},
    {false, -4, UINT64_C(0x9d89d89d89d89d89), UINT64_C(0xd89d89d89d89d89e)},
    {false, -4, UINT64_C(0x8888888888888888), UINT64_C(0x8888888888888889)},
    {false, -5, UINT64_C(0xf0f0f0f0f0f0f0f0), UINT64_C(0xf0f0f0f0f0f0f0f1)},
    {false, -5, UINT64_C(0xd79435e50d79435e), UINT64_C(0x50d79435e50d7943)},
    {false, -5, UINT64_C(0xc30c30c30c30c30c), UINT64_C(0x30c30c30c30c30c3)},
    {false, -5, UINT64_C(0xb21642c8590b2164), UINT64_C(0x2c8590b21642c859)},
    {false, -5, UINT64_C(0xa3d70a3d70a3d70a), UINT64_C(0x3d70a3d70a3d70a4)},
    {false, -5, UINT64_C(0x97b425ed097b425e), UINT64_C(0xd097b425ed097b42)},
    {false, -5, UINT64_C(0x8d3dcb08d3dcb08d), UINT64_C(0x3dcb08d3dcb08d3e)},
    {false, -5, UINT64_C(0x8421084210842108), UINT64_C(0x4210842108421084)},
};

const struct wide wide_atan_coefficients[9] = {
    {false, 0, UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {false, -2, UINT64_C(0xaaaaaaaaaaaaaaaa), UINT64_C(0xaaaaaaaaaaaaaaab)},
    {false, -3, UINT64_C(0xcccccccccccccccc), UINT64_C(0xcccccccccccccccd)},
    {false, -3, UINT64_C(0x9249249249249249), UINT64_C(0x2492492492492492)},
    {false, -4, UINT64_C(0xe38e38e38e38e38e), UINT64_C(0x38e38e38e38e38e4)},
    {false, -4, UINT64_C(0xba2e8ba2e8ba2e8b), UINT64_C(0xa2e8ba2e8ba2e8ba)},
    {false, -4, UINT64_C(0x9d89d89d89d89d89), UINT64_C(0xd89d89d89d89d89e)},
    {false, -4, UINT64_C(0x8888888888888888), UINT64_C(0x8888888888888889)},
    {false, -5, UINT64_C(0xf0f0f0f0f0f0f0f0), UINT64_C(0xf0f0f0f0f0f0f0f1)},
};

const struct wide wide_exp2m1_sixteenths[33] = {
    {true, -1, UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {true, -2, UINT64_C(0xf4aa7930676f09d6), UINT64_C(0x746d48e7bd567c9c)},
    {true, -2, UINT64_C(0xe8d47c382ae85232), UINT64_C(0x08373af14eb586e0)},
    {true, -2, UINT64_C(0xdc785918a9dc7993), UINT64_C(0xe0524e3ea34a6c50)},
    {true, -2, UINT64_C(0xcf901f5ce48ead21), UINT64_C(0x72a5b9cfa37a1213)},
    {true, -2, UINT64_C(0xc2159b3edcbddca4), UINT64_C(0xbeddc1ec288c045d)},
    {true, -2, UINT64_C(0xb40252ac9d5d8e2b), UINT64_C(0xc685013bd1df1fca)},
    {true, -2, UINT64_C(0xa54f822b7abd6a73), UINT64_C(0x6cfeae6e14cba277)},
    {true, -2, UINT64_C(0x95f619980c4336f7), UINT64_C(0x4d04ec99156a82c2)},
    {true, -2, UINT64_C(0x85eeb8c14fe79282), UINT64_C(0xaefdc09325e0a10c)},
    {true, -3, UINT64_C(0xea6357baabe4948b), UINT64_C(0x0754bcda6c898322)},
    {true, -3, UINT64_C(0xc76dcfab81edfc70), UINT64_C(0x7729f1c1a834e44a)},
    {true, -3, UINT64_C(0xa2ec0cd4a58a542f), UINT64_C(0x1965d119bf4b0088)},
    {true, -4, UINT64_C(0xf999089eab58f777), UINT64_C(0xcd3b57db916661af)},
    {true, -4, UINT64_C(0xa9f9c8c116de3689), UINT64_C(0x7e9452647c8d582a)},
    {true, -5, UINT64_C(0xada82eadb7933d38), UINT64_C(0x462f3851267f03c9)},
    {false, 0, 0, 0},
    {false, -5, UINT64_C(0xb5586cf9890f6298), UINT64_C(0xb92b71842a983643)},
    {false, -4, UINT64_C(0xb95c1e3ea8bd6e6f), UINT64_C(0xbe4628758a53c902)},
    {false, -3, UINT64_C(0x8e1e9b9d588e19b0), UINT64_C(0x7eb6c70572d64ec1)},
    {false, -3, UINT64_C(0xc1bf828c6dc54b7a), UINT64_C(0x356918c17217b7b3)},
    {false, -3, UINT64_C(0xf7a993048d088d6d), UINT64_C(0x0488f84f5dcfee8b)},
    {false, -2, UINT64_C(0x97fb5aa6c544e3a8), UINT64_C(0x72f5fd885c41c06c)},
    {false, -2, UINT64_C(0xb560fba90a852b19), UINT64_C(0x2602a323d668bb12)},
    {false, -2, UINT64_C(0xd413cccfe7799211), UINT64_C(0x65f626cdd52afa7c)},
    {false, -2, UINT64_C(0xf4228e7d6030dafa), UINT64_C(0xa2047ed9b43ebde8)},
    {false, -1, UINT64_C(0x8ace5422aa0db5ba), UINT64_C(0x7c55a192c9bb3e6f)},
    {false, -1, UINT64_C(0x9c49182a3f0901c7), UINT64_C(0xc46b071f2be58ddb)},
    {false, -1, UINT64_C(0xae89f995ad3ad5e8), UINT64_C(0x734d1773205a7fbc)},
    {false, -1, UINT64_C(0xc199bdd85529c222), UINT64_C(0x0cb12a091ba66794)},
    {false, -1, UINT64_C(0xd5818dcfba48725d), UINT64_C(0xa05aeb66e0dca9f6)},
    {false, -1, UINT64_C(0xea4afa2a490d9858), UINT64_C(0xf73a18f5db301f87)},
    {false, 0, UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
};

const struct wide wide_atan_sixteenths[17] = {
    {false, 0, 0, 0},
    {false, -5, UINT64_C(0xffaaddb967ef4e36), UINT64_C(0xcb2792dc0e2e0d51)},
    {false, -4, UINT64_C(0xfeadd4d5617b6e32), UINT64_C(0xc897989f3e888ef8)},
    {false, -3, UINT64_C(0xbdcbda5e72d81134), UINT64_C(0x7b0b4f881c9c7488)},
    {false, -3, UINT64_C(0xfadbafc96406eb15), UINT64_C(0x6dc79ef5f7a217e6)},
    {false, -2, UINT64_C(0x9b13b9b83f5e5e69), UINT64_C(0xc5abb498d27af328)},
    {false, -2, UINT64_C(0xb7b0ca0f26f78473), UINT64_C(0x8aa32122dcfe4483)},
    {false, -2, UINT64_C(0xd327761e611fe5b6), UINT64_C(0x427c95e9001e7136)},
    {false, -2, UINT64_C(0xed63382b0dda7b45), UINT64_C(0x6fe445ecbc3a8d03)},
    {false, -1, UINT64_C(0x832bf4a6d9867e2a), UINT64_C(0x4b6a09cb61a515c1)},
    {false, -1, UINT64_C(0x8f005d5ef7f59f9b), UINT64_C(0x5c835e1665c43748)},
    {false, -1, UINT64_C(0x9a2f80e671bdda20), UINT64_C(0x4226f8e2204ff3bd)},
    {false, -1, UINT64_C(0xa4bc7d1934f70924), UINT64_C(0x19a87f2a457dac9f)},
    {false, -1, UINT64_C(0xaeac4c38b4d8c080), UINT64_C(0x14725e2f3e52070a)},
    {false, -1, UINT64_C(0xb8053e2bc2319e73), UINT64_C(0xcb2da55210a4443d)},
    {false, -1, UINT64_C(0xc0ce85b8ac526640), UINT64_C(0x89dd62c46e92fa25)},
    {false, -1, UINT64_C(0xc90fdaa22168c234), UINT64_C(0xc4c6628b80dc1cd1)},
};

