"""Recurrent layers. `python recurrent.py` writes layers/recurrent.json.gz."""

from keras import constraints, initializers, layers as L

from freeze import Input, case, write

STEPS = [[True, True, False, True], [True, False, True, False]]
sequence = Input(2, 4, 3)
masked = Input(2, 4, 3, mask=STEPS)
REGULARIZED = dict(
    kernel_regularizer="l1", recurrent_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2",
    kernel_constraint=constraints.MaxNorm(0.7), recurrent_constraint="unit_norm", bias_constraint="non_neg",
    kernel_initializer="ones", recurrent_initializer=initializers.Constant(2.0), bias_initializer=initializers.Constant(3.0),
)


def given(xs):
    """The states as a keyword."""
    return [xs[0]], {"initial_state": xs[1:]}


def stepped(xs):
    """The states as the second argument of a cell."""
    return [xs[0], xs[1:]], {}


def gated():
    for make, states in [(L.SimpleRNN, 1), (L.LSTM, 2), (L.GRU, 1)]:
        yield case(make(2), sequence)
        yield case(make(2, return_sequences=True, return_state=True, activation="softsign", use_bias=False), sequence)
        yield case(make(2, go_backwards=True, return_sequences=True), sequence)
        yield case(make(2, return_sequences=True, return_state=True), masked)
        yield case(make(2), masked)
        yield case(make(2, go_backwards=True, zero_output_for_mask=True, return_sequences=True), masked)
        yield case(make(2, zero_output_for_mask=True, unroll=True), masked)
        yield case(make(2), sequence, *[Input(2, 2)] * states, how=given)
        yield case(make(2, stateful=True), sequence)
        yield case(make(2, **REGULARIZED), Input(1, 2, 2))
        yield case(make(2, dropout=0.3, recurrent_dropout=0.2, seed=5), sequence)
    yield case(L.LSTM(2, recurrent_activation="relu", unit_forget_bias=False), sequence)
    yield case(L.LSTM(2, unit_forget_bias=False, bias_initializer=initializers.Constant(3.0)), sequence)
    yield case(L.LSTM(2, stateful=True, return_sequences=True), masked)
    for after in [False, True]:
        yield case(L.GRU(2, reset_after=after, recurrent_activation="softsign"), sequence)
        yield case(L.GRU(2, reset_after=after, use_bias=False), sequence)
        yield case(L.GRU(2, reset_after=after, return_sequences=True, return_state=True), masked)


def cells():
    yield case(L.SimpleRNNCell(3), Input(2, 4), Input(2, 3), how=stepped)
    yield case(L.LSTMCell(3), Input(2, 4), Input(2, 3), Input(2, 3), how=stepped)
    yield case(L.GRUCell(3), Input(2, 4), Input(2, 3), how=stepped)
    yield case(L.GRUCell(3, reset_after=False), Input(2, 4), Input(2, 3), how=stepped)
    told = {key: value for key, value in REGULARIZED.items() if key != "activity_regularizer"} | dict(activation="softsign", dropout=0.3, recurrent_dropout=0.2)
    for make, states, more in [(L.SimpleRNNCell, 1, {}), (L.LSTMCell, 2, dict(recurrent_activation="relu", unit_forget_bias=False)), (L.GRUCell, 1, dict(recurrent_activation="relu"))]:
        yield case(make(2, **told, **more), Input(2, 3), *[Input(2, 2)] * states, how=stepped)
        yield case(make(2, use_bias=False), Input(2, 3), *[Input(2, 2)] * states, how=stepped)
    yield case(L.RNN(L.GRUCell(3), stateful=True, unroll=True), sequence)
    yield case(L.RNN(L.LSTMCell(2, activation="relu"), return_sequences=True), masked)
    yield case(L.RNN(L.GRUCell(2), return_state=True, go_backwards=True), sequence)
    stack = lambda: [L.LSTMCell(2), L.GRUCell(3), L.SimpleRNNCell(2)]
    yield case(L.RNN(L.StackedRNNCells(stack()), return_state=True), sequence)
    yield case(L.RNN(L.StackedRNNCells(stack()), return_sequences=True), masked)


def wrappers():
    for mode in ["concat", "sum", "ave", "mul", None]:
        yield case(L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode=mode), sequence)
        yield case(L.Bidirectional(L.GRU(2), merge_mode=mode), sequence)
    yield case(L.Bidirectional(L.LSTM(2, return_sequences=True, return_state=True)), masked)
    yield case(L.Bidirectional(L.SimpleRNN(2, return_sequences=True), merge_mode="sum", backward_layer=L.GRU(2, go_backwards=True, return_sequences=True)), masked)
    yield case(L.Bidirectional(L.SimpleRNN(2, go_backwards=True, return_sequences=True), backward_layer=L.SimpleRNN(2, return_sequences=True)), sequence)
    yield case(L.Bidirectional(L.LSTM(2)), sequence, *[Input(2, 2)] * 4, how=given)
    yield case(L.TimeDistributed(L.Dense(2, activation="tanh")), masked)
    yield case(L.TimeDistributed(L.Conv2D(2, 2)), Input(2, 3, 3, 3, 2))
    yield case(L.TimeDistributed(L.LSTM(2, return_sequences=True)), Input(2, 2, 3, 2))
    yield case(L.TimeDistributed(L.Flatten()), Input(2, 2, 3, 2))
    # Statistics and averages step by step.
    yield case(L.TimeDistributed(L.BatchNormalization(momentum=0.8)), Input(3, 2, 4), training=True)


def convolutional():
    images = Input(2, 3, 4, 3, 2)
    yield case(L.ConvLSTM2D(2, (2, 1)), images)
    yield case(L.ConvLSTM2D(2, 2, padding="same", return_sequences=True, return_state=True, use_bias=False), images)
    yield case(L.ConvLSTM2D(1, 2, strides=2, padding="same", activation="softsign", recurrent_activation="relu", unit_forget_bias=False), images)
    yield case(L.ConvLSTM2D(1, 2, dilation_rate=2, go_backwards=True), images)
    yield case(L.ConvLSTM2D(2, 2, data_format="channels_first", return_sequences=True), Input(1, 2, 2, 4, 3))
    yield case(L.ConvLSTM2D(1, 2, stateful=True), Input(2, 2, 3, 3, 1))
    yield case(L.ConvLSTM2D(1, 2, **REGULARIZED), Input(1, 2, 3, 3, 1))
    yield case(L.ConvLSTM2D(1, 2, return_sequences=True), Input(2, 3, 3, 3, 1, mask=[[True, False, True], [False, True, True]]))
    yield case(L.ConvLSTM1D(2, 2, return_sequences=True, return_state=True), Input(2, 3, 4, 2))
    yield case(L.ConvLSTM1D(2, 3, strides=2, padding="same"), Input(2, 3, 4, 2))
    yield case(L.ConvLSTM1D(2, 2, data_format="channels_first"), Input(1, 2, 2, 4))
    yield case(L.ConvLSTM1D(2, 2, stateful=True), Input(2, 3, 4, 1))


if __name__ == "__main__":
    write("recurrent", [*gated(), *cells(), *wrappers(), *convolutional()])
