"""Programs in text form that several tests compile."""

# Every op, shared and zero-width inputs, a constant, an unused input, and outputs of every kind.
EVERYTHING = """
program Everything (at once)
inputs (4,)
outputs (7,)
%0 = input x[2] fixed<3,2> RND SAT : [-32, 31]*2^-2  ; in
%1 = input x[0] ufixed<3,0> TRN WRAP : [0, 7]  ; in
%2 = input x[0] fixed<1,2> RND WRAP : [-8, 7]*2^-2  ; in
%3 = input x[1] ufixed<0,0> TRN WRAP : [0, 0]  ; in
%4 = input x[3] ufixed<2,0> TRN WRAP : [0, 3]  ; in
%5 = const : [5, 5]*2^-1
%6 = add %0, -%1<<1 : [-88, 31]*2^-2  ; dense
%7 = add %6, %2, %5<<2 : [-56, 78]*2^-2  ; dense
%8 = relu %7 to ufixed<3,1> TRN WRAP : [0, 15]*2^-1  ; dense
%9 = quantize %7 to fixed<2,0> RND_CONV SAT_SYM : [-3, 3]  ; out
%10 = neg %9 : [-3, 3]  ; out
%11 = add %10, %8 : [-6, 21]*2^-1  ; out
return %11, %10, %10<<3, %3, %5, %0, %6>>1
"""
