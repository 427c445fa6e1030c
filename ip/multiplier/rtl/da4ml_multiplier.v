// The product of two numbers, modulo 2^Y_WIDTH.
//
// Each operand is signed or not by itself; Y_WIDTH is at most A_WIDTH + B_WIDTH. Combinational.
// Cost: a DSP or more, or two to three LUTs for each bit of a times each bit of b, as the tool decides.

`default_nettype none

module da4ml_multiplier #(
    // Bits of a.
    parameter A_WIDTH = 8,
    // Whether a is signed (0 or 1).
    parameter A_SIGNED = 1,
    // Bits of b.
    parameter B_WIDTH = 8,
    // Whether b is signed (0 or 1).
    parameter B_SIGNED = 1,
    // Bits of y, at most A_WIDTH + B_WIDTH.
    parameter Y_WIDTH = 16
) (
    // The first factor.
    input  wire [A_WIDTH-1:0] a,
    // The second factor.
    input  wire [B_WIDTH-1:0] b,
    // The low bits of the product.
    output wire [Y_WIDTH-1:0] y
);
    // One more bit makes every operand signed; the low bits of the product do not depend on any above them.
    wire signed [A_WIDTH:0] a_full = {(A_SIGNED != 0) & a[A_WIDTH-1], a};
    wire signed [B_WIDTH:0] b_full = {(B_SIGNED != 0) & b[B_WIDTH-1], b};
    wire signed [A_WIDTH+B_WIDTH+1:0] product = a_full * b_full;
    assign y = product[Y_WIDTH-1:0];

    wire unused = &{1'b0, product};  // the dropped bits end here
endmodule

`default_nettype wire
