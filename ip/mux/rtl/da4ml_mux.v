// The multiplexer: one of two vectors, by a single bit.
//
// Both branches are already as wide as the result. Combinational.
// Cost: a LUT for each bit, or for two bits where a tool uses both outputs.

`default_nettype none

module da4ml_mux #(
    // Bits of a, b and y.
    parameter WIDTH = 8
) (
    // The choice: a if it is set.
    input  wire             s,
    // The result if s is set.
    input  wire [WIDTH-1:0] a,
    // The result otherwise.
    input  wire [WIDTH-1:0] b,
    // The branch chosen.
    output wire [WIDTH-1:0] y
);
    assign y = s ? a : b;
endmodule

`default_nettype wire
