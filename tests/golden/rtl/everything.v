// Program Everything (at once): 5 inputs, 7 outputs, written by da4ml-flow.
//
// Combinational.

`default_nettype none

module everything #(
    // How three operands are added: 0 as a plain sum; 4, 8 in Xilinx' LUT6_2 on CARRY4, on CARRY8.
    parameter TERNARY_STYLE = 0
) (
    // All input elements, the first in the lowest bits.
    input  wire [14:0] x,
    // All output elements, the first in the lowest bits.
    output wire [28:0] y
);

    // ---- Logic

    // == in
    // %0 = input x[2] fixed<3,2> RND SAT : [-32, 31]*2^-2
    wire signed [5:0] v0 = x[12:7];
    // %1 = input x[0] ufixed<3,0> TRN WRAP : [0, 7]
    wire [2:0] v1 = x[2:0];
    // %2 = input x[0] fixed<1,2> RND WRAP : [-8, 7]*2^-2
    wire signed [3:0] v2 = x[6:3];

    // == dense
    // %6 = add %0, -%1<<1 : [-88, 31]*2^-2
    wire signed [7:0] v6;
    da4ml_shift_adder #(.A_WIDTH(6), .A_SIGNED(1), .B_WIDTH(3), .B_SIGNED(0), .B_SHIFT(3), .SUBTRACT(1), .Y_WIDTH(8))
        make_v6 (.a(v0), .b(v1), .y(v6));
    // %7 = add %6, %2, %5<<2 : [-56, 78]*2^-2
    wire signed [7:0] v7;
    da4ml_ternary_adder #(.A_WIDTH(8), .A_SIGNED(1), .B_WIDTH(4), .B_SIGNED(1), .C_WIDTH(3), .C_SIGNED(0), .C_SHIFT(3),
            .Y_WIDTH(8), .STYLE(TERNARY_STYLE))
        make_v7 (.a(v6), .b(v2), .c(3'h5), .y(v7));
    // %8 = relu %7 to ufixed<3,1> TRN WRAP : [0, 15]*2^-1
    wire [3:0] v8;
    da4ml_relu #(.A_WIDTH(7), .Y_WIDTH(4))
        make_v8 (.a(v7[7:1]), .y(v8));

    // == out
    // %9 = quantize %7 to fixed<2,0> RND_CONV SAT_SYM : [-3, 3]
    wire signed [2:0] v9;
    da4ml_quantize #(.A_WIDTH(8), .A_SIGNED(1), .SHIFT(2), .ROUNDING(6), .OVERFLOW(2), .Y_SIGNED(1), .Y_WIDTH(3))
        make_v9 (.a(v7), .y(v9));
    // %10 = neg %9 : [-3, 3]
    wire signed [2:0] v10;
    da4ml_negate #(.A_WIDTH(3), .A_SIGNED(1), .Y_WIDTH(3))
        make_v10 (.a(v9), .y(v10));
    // %11 = add %10, %8 : [-6, 21]*2^-1
    wire signed [5:0] v11;
    da4ml_shift_adder #(.A_WIDTH(4), .A_SIGNED(0), .B_WIDTH(3), .B_SIGNED(1), .B_SHIFT(1), .Y_WIDTH(6))
        make_v11 (.a(v8), .b(v10), .y(v11));

    // ---- Outputs
    assign y[5:0] = v11;  // y[0] fixed<4,1>
    assign y[8:6] = v10;  // y[1] fixed<2,0>
    assign y[11:9] = v10;  // y[2] fixed<5,-3>
    assign y[14:12] = 3'h5;  // y[4] ufixed<2,1>
    assign y[20:15] = v0;  // y[5] fixed<3,2>
    assign y[28:21] = v6;  // y[6] fixed<4,3>

    // ---- Bits that no output depends on
    wire unused = &{1'b0, x[14:13]};
endmodule

`default_nettype wire
