// And, or, xor of two vectors.
//
// Both operands are already as wide as the result. Combinational.
// Cost: a LUT for each bit, or for two bits where a tool uses both outputs.

`default_nettype none

module da4ml_bitwise #(
    // Bits of a, b and y.
    parameter WIDTH = 8,
    // 0 and, 1 or, 2 xor.
    parameter OPERATION = 0
) (
    // One operand.
    input  wire [WIDTH-1:0] a,
    // The other.
    input  wire [WIDTH-1:0] b,
    // The function of their bits.
    output wire [WIDTH-1:0] y
);
    assign y = OPERATION == 0 ? a & b : OPERATION == 1 ? a | b : a ^ b;
endmodule

`default_nettype wire
