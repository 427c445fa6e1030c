// The negative of an integer: y = -a * 2^A_SHIFT / 2^DROP, rounded down, modulo 2^Y_WIDTH.
//
// The operand does not reach above the result: A_SHIFT + A_WIDTH is at most DROP + Y_WIDTH.
// Combinational.
// Cost: one carry chain, a LUT for each bit of the result above bit A_SHIFT.

`default_nettype none

module da4ml_negate #(
    // Bits of a.
    parameter A_WIDTH = 8,
    // 1 if a is two's complement, 0 if unsigned.
    parameter A_SIGNED = 1,
    // a counts times 2^A_SHIFT.
    parameter A_SHIFT = 0,
    // Low bits of the result that are left out.
    parameter DROP = 0,
    // Bits of y.
    parameter Y_WIDTH = 9
) (
    // The operand, two's complement if A_SIGNED.
    input  wire [A_WIDTH-1:0] a,
    // Bits DROP and up of the result.
    output wire [Y_WIDTH-1:0] y
);
    localparam TOP = DROP + Y_WIDTH;

    wire [TOP-1:0] a_full;
    // Yosys would merge chained adders into multi-operand sums, which take more LUTs than their carry chains.
`ifdef YOSYS
    (* keep *)
`endif
    wire [TOP-1:0] difference = {TOP{1'b0}} - a_full;

    assign a_full[A_SHIFT+A_WIDTH-1:A_SHIFT] = a;
    generate
        if (A_SHIFT > 0) begin : a_below
            assign a_full[A_SHIFT-1:0] = {A_SHIFT{1'b0}};
        end
        if (TOP > A_SHIFT + A_WIDTH) begin : a_above
            assign a_full[TOP-1:A_SHIFT+A_WIDTH] = {TOP - A_SHIFT - A_WIDTH{(A_SIGNED != 0) & a[A_WIDTH-1]}};
        end
    endgenerate
    assign y = difference[TOP-1:DROP];

    wire unused = &{1'b0, difference};  // the dropped bits end here
endmodule

`default_nettype wire
