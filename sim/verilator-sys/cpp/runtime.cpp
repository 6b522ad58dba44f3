// The C side of a waveform: Verilator's VCD writer, with Rust as its file.
#include "verilated.h"
#include "verilated_vcd_c.h"

#include <cstdint>

namespace {

// Takes `len` bytes of VCD text. Rust keeps errors to itself until the waveform is closed.
using Sink = void (*)(void* context, const char* bytes, size_t len);

class RustFile final : public VerilatedVcdFile {
    Sink m_sink;
    void* m_context;

public:
    RustFile(Sink sink, void* context)
        : m_sink{sink}
        , m_context{context} {}
    bool open(const std::string&) override { return true; }
    void close() override {}
    ssize_t write(const char* bytes, ssize_t len) override {
        if (len > 0) m_sink(m_context, bytes, static_cast<size_t>(len));
        return len;
    }
};

struct Trace final {
    RustFile file;
    VerilatedVcdC vcd;
    Trace(Sink sink, void* context)
        : file{sink, context}
        , vcd{&file} {}
};

}  // namespace

extern "C" {

void* verilator_sys_trace_new(Sink sink, void* context) { return new Trace{sink, context}; }

// What a model's `trace()` wants. Called before `verilator_sys_trace_open`.
void* verilator_sys_trace_vcd(void* trace) { return &static_cast<Trace*>(trace)->vcd; }

void verilator_sys_trace_open(void* trace) { static_cast<Trace*>(trace)->vcd.open("rust"); }

void verilator_sys_trace_dump(void* trace, uint64_t time) {
    static_cast<Trace*>(trace)->vcd.dump(time);
}

void verilator_sys_trace_delete(void* trace) {
    Trace* const t = static_cast<Trace*>(trace);
    t->vcd.close();
    delete t;
}

}
