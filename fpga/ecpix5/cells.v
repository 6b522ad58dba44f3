// What the cells of the ECP5 do, for simulation; synthesis knows them itself. Only what
// `src/cells.rs` uses of them is here.

// A pin's value at both edges, given together at the next rising edge.
module IDDRX1F(input SCLK, input RST, input D, output reg Q0, output reg Q1);
    reg rise, fall;
    always @(posedge SCLK) begin
        rise <= D;
        Q0 <= rise;
        Q1 <= fall;
    end
    always @(negedge SCLK) fall <= D;
endmodule

// D0 while the clock is high, D1 while it is low.
module ODDRX1F(input SCLK, input RST, input D0, input D1, output Q);
    reg high, low;
    always @(posedge SCLK) begin
        high <= D0;
        low <= D1;
    end
    assign Q = SCLK ? high : low;
endmodule

// Simulation has no time between edges.
module DELAYG(input A, output Z);
    parameter DEL_MODE = "USER_DEFINED";
    parameter DEL_VALUE = 0;
    assign Z = A;
endmodule

// Simulation makes no frequencies: CLKI is driven at the frequency of CLKOP, and CLKOS is half of
// that. It locks after 16 clocks.
module EHXPLLL(
    input CLKI, input CLKFB, input PHASESEL1, input PHASESEL0, input PHASEDIR, input PHASESTEP,
    input PHASELOADREG, input STDBY, input PLLWAKESYNC, input RST, input ENCLKOP, input ENCLKOS,
    output CLKOP, output CLKOS, output LOCK
);
    parameter CLKI_DIV = 1;
    parameter CLKFB_DIV = 1;
    parameter CLKOP_DIV = 8;
    parameter CLKOS_DIV = 8;
    parameter CLKOP_ENABLE = "ENABLED";
    parameter CLKOS_ENABLE = "DISABLED";
    parameter CLKOP_CPHASE = 0;
    parameter CLKOS_CPHASE = 0;
    parameter FEEDBK_PATH = "CLKOP";
    reg half;
    reg [4:0] clocks;
    initial half = 0;
    initial clocks = 0;
    always @(posedge CLKI) begin
        half <= !half;
        if (!clocks[4]) clocks <= clocks + 5'd1;
    end
    assign CLKOP = CLKI;
    assign CLKOS = half;
    assign LOCK = clocks[4];
endmodule

// A clock that can be stopped while it is low. Until it has been that, CE itself says if it runs.
module DCCA(input CLKI, input CE, output CLKO);
    reg open, known;
    initial known = 0;
    always @(negedge CLKI) begin
        open <= CE;
        known <= 1;
    end
    assign CLKO = CLKI & (known ? open : CE);
endmodule
