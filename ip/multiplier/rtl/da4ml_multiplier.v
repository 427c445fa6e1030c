// The product of two numbers, modulo 2^Y_WIDTH.
//
// Each operand is signed or not by itself; Y_WIDTH is at most A_WIDTH + B_WIDTH. Combinational: the tool chooses LUTs or DSPs.

`default_nettype none

module da4ml_multiplier #(
    parameter A_WIDTH = 8,
    parameter A_SIGNED = 1,
    parameter B_WIDTH = 8,
    parameter B_SIGNED = 1,
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
