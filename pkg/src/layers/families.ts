/** Layers of the families that the lean package does not have. */

import { factoriesOf } from './factories.js';
import type { LayerArgs } from './layer.js';

const CLASSES = {
  conv1d: 'Conv1D', conv1dTranspose: 'Conv1DTranspose', separableConv1d: 'SeparableConv1D', depthwiseConv1d: 'DepthwiseConv1D',
  maxPooling1d: 'MaxPooling1D', maxPool1d: 'MaxPooling1D', averagePooling1d: 'AveragePooling1D', avgPooling1d: 'AveragePooling1D', avgPool1d: 'AveragePooling1D',
  globalMaxPooling1d: 'GlobalMaxPooling1D', globalMaxPool1d: 'GlobalMaxPooling1D', globalAveragePooling1d: 'GlobalAveragePooling1D',
  upSampling1d: 'UpSampling1D', zeroPadding1d: 'ZeroPadding1D', cropping1D: 'Cropping1D', masking: 'Masking',
  identity: 'Identity', activityRegularization: 'ActivityRegularization', alphaDropout: 'AlphaDropout',
  simpleRNN: 'SimpleRNN', simpleRNNCell: 'SimpleRNNCell', lstm: 'LSTM', lstmCell: 'LSTMCell', gru: 'GRU', gruCell: 'GRUCell',
  convLstm1d: 'ConvLSTM1D', convLstm2d: 'ConvLSTM2D', convLstm2dCell: 'ConvLSTM2DCell', rnn: 'RNN', stackedRNNCells: 'StackedRNNCells',
  bidirectional: 'Bidirectional', timeDistributed: 'TimeDistributed',
  attention: 'Attention', additiveAttention: 'AdditiveAttention', multiHeadAttention: 'MultiHeadAttention', groupQueryAttention: 'GroupedQueryAttention',
  dot: 'Dot', groupNormalization: 'GroupNormalization', rmsNormalization: 'RMSNormalization', unitNormalization: 'UnitNormalization',
  spectralNormalization: 'SpectralNormalization',
  normalization: 'Normalization', discretization: 'Discretization', categoryEncoding: 'CategoryEncoding', resizing: 'Resizing', centerCrop: 'CenterCrop',
  randomFlip: 'RandomFlip', randomBrightness: 'RandomBrightness', randomContrast: 'RandomContrast', randomCrop: 'RandomCrop', randomWidth: 'RandomWidth',
  randomRotation: 'RandomRotation', randomZoom: 'RandomZoom', randomTranslation: 'RandomTranslation',
} as const;

const gates: LayerArgs = { recurrentActivation: 'hardSigmoid' };
const gru: LayerArgs = { ...gates, resetAfter: false };

export const families = factoriesOf(CLASSES, { lstm: gates, lstmCell: gates, convLstm2d: gates, convLstm2dCell: gates, gru, gruCell: gru });
