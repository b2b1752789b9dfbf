"""The operators of ONNX: those whose work is a layer's, and those that are not charged."""

from onnx import NodeProto

OWN_DOMAINS = ("", "ai.onnx")  # domains of the standard operators

# The positions of the inputs of an operator that are activations and weights.
CONVOLUTIONS = {"Conv": (0, 1), "ConvInteger": (0, 1), "QLinearConv": (0, 3)}
TRANSPOSED = {"ConvTranspose": (0, 1)}
PRODUCTS = {"MatMul": (0, 1), "MatMulInteger": (0, 1), "QLinearMatMul": (0, 3), "Gemm": (0, 1)}

# Operators that the cost model does not charge; all others are taken to do real work.
ELEMENTWISE_NAMES = """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr
    BitwiseXor Ceil Celu Clip Cos Cosh CumProd CumSum Div Dropout Elu Equal Erf Exp Floor Gelu
    Greater GreaterOrEqual HardSigmoid HardSwish Hardmax IsInf IsNaN LeakyRelu Less LessOrEqual
    Log LogSoftmax Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu
    Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Sub Sum Swish Tan Tanh
    ThresholdedRelu Where Xor
"""
POOLING = """
    ArgMax ArgMin AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool
    MaxRoiPool MaxUnpool NonMaxSuppression ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
    ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare RoiAlign TopK
"""
NORMALISATION = """
    BatchNormalization GroupNormalization InstanceNormalization LRN LayerNormalization
    LpNormalization MeanVarianceNormalization RMSNormalization
"""
MOVEMENT = """
    BitCast Cast CastLike CenterCropPad Compress Concat ConcatFromSequence Constant
    ConstantOfShape DepthToSpace DequantizeLinear DynamicQuantizeLinear Expand EyeLike Flatten
    Gather GatherElements GatherND GridSample Identity NonZero OneHot Pad QuantizeLinear Range
    Reshape Resize ReverseSequence Scatter ScatterElements ScatterND SequenceAt
    SequenceConstruct Shape Size Slice SpaceToDepth Split SplitToSequence Squeeze Tile Transpose
    Trilu Unsqueeze Upsample
"""
ELEMENTWISE = frozenset(ELEMENTWISE_NAMES.split())
UNCHARGED = ELEMENTWISE | frozenset(" ".join((POOLING, NORMALISATION, MOVEMENT)).split())


def is_standard(node: NodeProto) -> bool:
    """Whether the operator is a standard one of ONNX, not of an extension."""
    return node.domain in OWN_DOMAINS


def is_free(node: NodeProto) -> bool:
    """Whether the operator does no work that the cost model charges."""
    return is_standard(node) and node.op_type in UNCHARGED
