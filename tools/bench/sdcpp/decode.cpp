// Times the Wan 2.1 decoder of stable-diffusion.cpp, for decode.py: decode BACKEND F16|F32 THREADS WEIGHTS LATENT T,H,W FRAMES
// WEIGHTS: safetensors with the original names. LATENT: fp32 [16,T,H,W], normalized. FRAMES: written, fp32 [3,4T-3,8H,8W] in [0,1].
// First it says what it is; then for each line on standard input it decodes once and says the seconds.
#include <chrono>
#include <cstdio>
#include <iostream>

#include "wan.hpp"

static int fail(const std::string &why)
{
    std::cerr << "sdcpp_decode: " << why << std::endl;
    return 1;
}

static void complain(sd_log_level_t level, const char *text, void *)
{
    if (level >= SD_LOG_WARN) std::cerr << text;
}

static void keep_quiet(int, int, float, void *) {} // its progress would go to standard output

// Its convolutions ask for fp16 weights, and im2col takes the type of the weights. Before memory is given, the type can be another.
static void make_f32(std::map<std::string, ggml_tensor *> &tensors)
{
    for (auto &[name, t] : tensors) {
        t->type = GGML_TYPE_F32;
        t->nb[0] = sizeof(float);
        for (int i = 1; i < GGML_MAX_DIMS; i++) t->nb[i] = t->nb[i - 1] * t->ne[i - 1];
    }
}

static bool load(WAN::WanVAERunner &vae, ModelLoader &loader, bool f32)
{
    std::map<std::string, ggml_tensor *> tensors;
    vae.get_param_tensors(tensors, "");
    if (f32) make_f32(tensors);
    return vae.alloc_params_buffer() && loader.load_tensors(tensors);
}

static bool read_latent(const char *path, sd::Tensor<float> &to)
{
    std::ifstream file(path, std::ios::binary);
    return bool(file.read(reinterpret_cast<char *>(to.data()), to.numel() * sizeof(float)));
}

static bool write_frames(const char *path, const sd::Tensor<float> &frames)
{
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char *>(frames.data()), frames.numel() * sizeof(float));
    return bool(file.flush());
}

int main(int argc, char **argv)
{
    long long t, h, w;
    if (argc != 8 || sscanf(argv[6], "%lld,%lld,%lld", &t, &h, &w) != 3) return fail("expected BACKEND F16|F32 THREADS WEIGHTS LATENT T,H,W FRAMES");
    const int threads = atoi(argv[3]);
    const bool f32 = std::string(argv[2]) == "F32";
    sd_set_log_callback(complain, nullptr);
    sd_set_progress_callback(keep_quiet, nullptr);
    setenv("GGML_VK_VISIBLE_DEVICES", "0", 0); // without it ggml passes software drivers over
    ggml_backend_t backend = ggml_backend_init_by_name(argv[1], nullptr);
    if (!backend) return fail(std::string("ggml has no device ") + argv[1]);
    ModelLoader loader;
    if (!loader.init_from_file(argv[4])) return fail(std::string("cannot read ") + argv[4]);
    WAN::WanVAERunner vae(backend, false, loader.get_tensor_storage_map(), "", true, VERSION_WAN2); // shapes of norms are the file's
    if (!load(vae, loader, f32)) return fail(std::string("cannot load ") + argv[4]);
    sd::Tensor<float> latent({w, h, t, 16, 1});
    if (!read_latent(argv[5], latent)) return fail(std::string("cannot read ") + argv[5]);
    std::cout << "ggml " << ggml_version() << ", " << ggml_backend_dev_description(ggml_backend_get_device(backend)) << ", " << argv[2] << ", "
              << threads << " threads" << std::endl;
    bool first = true;
    for (std::string line; std::getline(std::cin, line); first = false) {
        const auto start = std::chrono::steady_clock::now();
        const auto frames = vae.decode(threads, vae.diffusion_to_vae_latents(latent), sd_tiling_params_t{}, true);
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        if (frames.numel() != 3 * (4 * t - 3) * 64 * h * w) return fail("it gave " + std::to_string(frames.numel()) + " values");
        if (first && !write_frames(argv[7], frames)) return fail(std::string("cannot write ") + argv[7]);
        std::cout << seconds.count() << std::endl;
    }
    return 0;
}
