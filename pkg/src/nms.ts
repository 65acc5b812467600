/** Non-maximum suppression: which of overlapping boxes to keep. Reads the boxes and decides on the host. */

import { scalar, tensor, toTensor, type Expected } from './convert.js';
import { tidy, type Tensor } from './tensor.js';
import { coded, type TensorInput } from './types.js';

/** A box that may be selected. `from` is how many of the selected have weakened its score already. */
interface Candidate {
  score: number;
  readonly index: number;
  from: number;
  /** Its lower and upper corner, and its area. */
  readonly box: readonly [y1: number, x1: number, y2: number, x2: number, area: number];
}

interface Settings {
  most: number;
  iou: number;
  score: number;
  sigma: number;
}

type Values = ArrayLike<number>;

function boxAt(values: Values, index: number): Candidate['box'] {
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => values[index * 4 + i]) as [number, number, number, number];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d), Math.abs(c - a) * Math.abs(d - b)];
}

/** How much of the union of two boxes is in both. */
function overlap([ay1, ax1, ay2, ax2, a]: Candidate['box'], [by1, bx1, by2, bx2, b]: Candidate['box']): number {
  if (a <= 0 || b <= 0) return 0;
  const common = Math.max(Math.min(ay2, by2) - Math.max(ay1, by1), 0) * Math.max(Math.min(ax2, bx2) - Math.max(ax1, bx1), 0);
  return common / (a + b - common);
}

/** Lower scores first; of equal ones, later boxes. */
const order = (a: Candidate, b: Candidate): number => a.score - b.score || b.index - a.index;

/** The boxes to keep, best first. */
function select(boxes: Values, scores: Values, { most, iou, score, sigma }: Settings): Candidate[] {
  const waiting: Candidate[] = [];
  for (let i = 0; i < scores.length; i++) {
    const own = scores[i] as number;
    if (own > score) waiting.push({ score: own, index: i, from: 0, box: boxAt(boxes, i) });
  }
  waiting.sort(order);
  const scale = sigma > 0 ? -0.5 / sigma : 0;
  const kept: Candidate[] = [];
  while (kept.length < most) {
    const next = waiting.pop();
    if (next === undefined) break;
    const before = next.score;
    let covered = false;
    for (let j = kept.length - 1; j >= next.from && !covered && next.score > score; j--) {
      const shared = overlap(next.box, (kept[j] as Candidate).box);
      covered = shared >= iou;
      if (!covered) next.score *= shared <= iou ? Math.exp(scale * shared * shared) : 0;
    }
    next.from = kept.length;
    if (covered) continue;
    if (next.score === before) kept.push(next);
    else if (next.score > score) {
      // Weakened: it waits its turn again.
      const place = waiting.findIndex((c) => order(next, c) <= 0);
      waiting.splice(place < 0 ? waiting.length : place, 0, next);
    }
  }
  return kept;
}

type Arguments = [boxes: TensorInput, scores: TensorInput, most: number, iou?: number | null, score?: number | null, sigma?: number | null];

function prepare([b, s, most, iou, score, sigma]: Arguments, name: string, dtype?: Expected): [Tensor, Tensor, Settings] {
  const boxes = toTensor(b, 'boxes', name, dtype);
  const scores = toTensor(s, 'scores', name, dtype);
  const count = boxes.shape[0] as number;
  const settings = { most: Math.min(most, count), iou: iou ?? 0.5, score: score ?? -Infinity, sigma: sigma ?? 0 };
  const unit = (x: number, what: string): void => {
    if (!(x >= 0 && x <= 1)) throw coded('argument', `${what} must be in [0, 1], but was '${x}'`);
  };
  unit(settings.iou, 'iouThreshold');
  if (boxes.rank !== 2) throw coded('shape', `boxes must be a 2D tensor, but was of rank '${boxes.rank}'`);
  if (boxes.shape[1] !== 4) throw coded('shape', `boxes must have 4 columns, but 2nd dimension was ${boxes.shape[1]}`);
  if (scores.rank !== 1) throw coded('shape', 'scores must be a 1D tensor');
  if (scores.size !== count) throw coded('shape', `scores has incompatible shape with boxes. Expected ${count}, but was ${scores.size}`);
  unit(settings.sigma, 'softNmsSigma');
  return [boxes, scores, settings];
}

type Make<R> = (kept: Candidate[], most: number) => R;

function now<R>(args: Arguments, make: Make<R>, dtype?: Expected): R {
  return tidy(() => {
    const [boxes, scores, settings] = prepare(args, 'nonMaxSuppression', dtype);
    return make(select(boxes.dataSync(), scores.dataSync(), settings), settings.most);
  });
}

async function later<R>(args: Arguments, make: Make<R>): Promise<R> {
  const [boxes, scores, settings] = prepare(args, 'nonMaxSuppressionAsync');
  const values = await Promise.all([boxes.data(), scores.data()]);
  if (boxes !== args[0]) boxes.dispose();
  if (scores !== args[1]) scores.dispose();
  return make(select(...values, settings), settings.most);
}

const indices = (kept: Candidate[], length = kept.length): Tensor =>
  tensor(Int32Array.from({ length }, (_, i) => kept[i]?.index ?? 0));

export interface PaddedSelection {
  selectedIndices: Tensor;
  validOutputs: Tensor;
}

const padded = (pad: boolean): Make<PaddedSelection> => (kept, most) => ({
  selectedIndices: indices(kept, pad ? Math.max(most, kept.length) : kept.length),
  validOutputs: scalar(kept.length, 'int32'),
});

export interface ScoredSelection {
  selectedIndices: Tensor;
  selectedScores: Tensor;
}

const scored: Make<ScoredSelection> = (kept) => ({
  selectedIndices: indices(kept),
  selectedScores: tensor(Float32Array.from(kept, (c) => c.score)),
});

/** The indices of the boxes `[y1, x1, y2, x2]` to keep: the best, but none that overlaps a better one by more than `iouThreshold`. */
export function nonMaxSuppression(boxes: TensorInput, scores: TensorInput, maxOutputSize: number, iouThreshold = 0.5, scoreThreshold = -Infinity): Tensor {
  return now([boxes, scores, maxOutputSize, iouThreshold, scoreThreshold], (kept) => indices(kept), 'float32');
}

/** `nonMaxSuppression`, waiting for the values. */
export async function nonMaxSuppressionAsync(
  boxes: TensorInput, scores: TensorInput, maxOutputSize: number, iouThreshold = 0.5, scoreThreshold = -Infinity,
): Promise<Tensor> {
  return later([boxes, scores, maxOutputSize, iouThreshold, scoreThreshold], (kept) => indices(kept));
}

/** `nonMaxSuppression` that fills up with index 0 where asked, and tells how many are valid. */
export function nonMaxSuppressionPadded(
  boxes: TensorInput, scores: TensorInput, maxOutputSize: number, iouThreshold = 0.5, scoreThreshold = -Infinity, padToMaxOutputSize = false,
): PaddedSelection {
  return now([boxes, scores, maxOutputSize, iouThreshold, scoreThreshold], padded(padToMaxOutputSize));
}

/** `nonMaxSuppressionPadded`, waiting for the values. */
export async function nonMaxSuppressionPaddedAsync(
  boxes: TensorInput, scores: TensorInput, maxOutputSize: number, iouThreshold = 0.5, scoreThreshold = -Infinity, padToMaxOutputSize = false,
): Promise<PaddedSelection> {
  return later([boxes, scores, maxOutputSize, iouThreshold, scoreThreshold], padded(padToMaxOutputSize));
}

/** `nonMaxSuppression` with the scores; a sigma over 0 weakens overlapping boxes (Soft-NMS) before it drops them. */
export function nonMaxSuppressionWithScore(
  boxes: TensorInput, scores: TensorInput, maxOutputSize: number, iouThreshold = 0.5, scoreThreshold = -Infinity, softNmsSigma = 0,
): ScoredSelection {
  return now([boxes, scores, maxOutputSize, iouThreshold, scoreThreshold, softNmsSigma], scored);
}

/** `nonMaxSuppressionWithScore`, waiting for the values. */
export async function nonMaxSuppressionWithScoreAsync(
  boxes: TensorInput, scores: TensorInput, maxOutputSize: number, iouThreshold = 0.5, scoreThreshold = -Infinity, softNmsSigma = 0,
): Promise<ScoredSelection> {
  return later([boxes, scores, maxOutputSize, iouThreshold, scoreThreshold, softNmsSigma], scored);
}
