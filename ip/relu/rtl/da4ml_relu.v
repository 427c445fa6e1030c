// The rectified linear unit: max(a, 0) modulo 2^Y_WIDTH.
//
// The result ends below the sign: Y_WIDTH is at most A_WIDTH - 1. Combinational.
// Cost: an AND for each bit: a LUT, or one for two bits where a tool uses both outputs.

`default_nettype none

module da4ml_relu #(
    // Bits of a.
    parameter A_WIDTH = 8,
    // Bits of y, at most A_WIDTH - 1.
    parameter Y_WIDTH = 7
) (
    // The operand in two's complement.
    input  wire [A_WIDTH-1:0] a,
    // The low bits of the operand, or zero if it is negative.
    output wire [Y_WIDTH-1:0] y
);
    assign y = a[Y_WIDTH-1:0] & {Y_WIDTH{~a[A_WIDTH-1]}};

    wire unused = &{1'b0, a};  // the dropped bits end here
endmodule

`default_nettype wire
