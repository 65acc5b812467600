/** Layers of the families that the lean package does not have. */

import { factoriesOf, wrapper } from './factories.js';
import { Bidirectional, instantiate, RNN, RNNCell, StackedRNNCells, TimeDistributed } from './rnn.js';
import { moments } from '../ops/index.js';
import { type Tensor, tidy } from '../tensor.js';
import { coded } from '../types.js';
import type { LayerArgs } from './layer.js';
import { ModuleLayer } from './module-layer.js';
import type { LayerVariable } from './variable.js';

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
  randomFlip: 'RandomFlip', randomBrightness: 'RandomBrightness', randomContrast: 'RandomContrast', randomCrop: 'RandomCrop', randomWidth: 'RandomWidth', randomHeight: 'RandomHeight',
  randomRotation: 'RandomRotation', randomZoom: 'RandomZoom', randomTranslation: 'RandomTranslation',
  conv3d: 'Conv3D', conv3dTranspose: 'Conv3DTranspose', maxPooling3d: 'MaxPooling3D', maxPool3d: 'MaxPooling3D',
  averagePooling3d: 'AveragePooling3D', avgPooling3d: 'AveragePooling3D', avgPool3d: 'AveragePooling3D',
  globalMaxPooling3d: 'GlobalMaxPooling3D', globalMaxPool3d: 'GlobalMaxPooling3D', globalAveragePooling3d: 'GlobalAveragePooling3D',
  upSampling3d: 'UpSampling3D', zeroPadding3d: 'ZeroPadding3D', cropping3D: 'Cropping3D', spatialDropout3d: 'SpatialDropout3D', convLstm3d: 'ConvLSTM3D',
  einsumDense: 'EinsumDense',
} as const;

const gates: LayerArgs = { recurrentActivation: 'hardSigmoid' };
const gru: LayerArgs = { ...gates, resetAfter: false };

/** Normalization, whose mean and variance may be measured. */
export class Normalization extends ModuleLayer {
  /** Takes the mean and the variance of data, over the axes that the layer does not keep. */
  adapt(data: Tensor): void {
    const { axis = [-1], mean: given } = this.getConfig() as { axis?: number[]; mean?: unknown };
    if (given !== undefined && given !== null) throw coded('argument', 'Cannot `adapt` a Normalization layer that was given its mean and variance.');
    this.ensureBuilt([null, ...data.shape.slice(1)]);
    const kept = axis.map((a) => (a < 0 ? a + data.rank : a));
    const others = data.shape.map((_, d) => d).filter((d) => !kept.includes(d));
    const [middle, spread] = this.orderedWeights as [LayerVariable, LayerVariable];
    tidy(() => {
      const measured = moments(data, others);
      middle.write(measured.mean);
      spread.write(measured.variance);
    });
  }
}

export const families = {
  ...factoriesOf(CLASSES, { lstm: gates, lstmCell: gates, convLstm2d: gates, convLstm2dCell: gates, gru, gruCell: gru }, { normalization: Normalization }),
  normalization: (args?: LayerArgs): Normalization => new Normalization('Normalization', args),
  rnn: wrapper('RNN', ['cell'], (args) => new RNN(args), instantiate),
  stackedRNNCells: wrapper('StackedRNNCells', ['cells'], (args) => new StackedRNNCells(args), instantiate),
  bidirectional: wrapper('Bidirectional', ['layer', 'backwardLayer'], (args) => new Bidirectional(args), instantiate),
  timeDistributed: wrapper('TimeDistributed', ['layer'], (args) => new TimeDistributed(args), instantiate),
  RNN,
  RNNCell,
};
