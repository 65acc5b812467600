/** Models that compute what a method says. */

import { inferShape } from '../convert.js';
import { zeros } from '../create.js';
import { Tensor, tidy } from '../tensor.js';
import { coded, isTypedArray } from '../types.js';
import { type Config, toKeras } from './config.js';
import { input } from './input.js';
import { type Kwargs, Layer, listOf, type Mask, single } from './layer.js';
import { type Fed, LayersModel, type ModelCompileArgs, type ModelEvaluateArgs, type ModelFitArgs } from './model.js';
import { entriesOf } from './predictor.js';
import type { SymbolicShape, SymbolicTensor } from './symbolic.js';

/** A model's method as the only layer of its graph. */
class Body extends Layer {
  static override className = 'Body';

  constructor(name: string, private readonly compute: Model['call'], private readonly shapes: SymbolicShape[]) {
    super({ name });
    this.built = true;
  }

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    return this.compute(single(listOf(inputs)), kwargs);
  }

  override computeOutputShape(): SymbolicShape | SymbolicShape[] {
    return single(this.shapes);
  }

  override computeMask(): Mask {
    return null;
  }
}

/**
 * The base of models that are classes: properties are the layers (lists of layers too), `call` computes outputs from inputs and
 * hands its `kwargs` on to layers that training concerns. The first data tells the shapes of the inputs; for `fitDataset`, for
 * weights before that and for `summary`, `build` does. A registered class is stored as its `getConfig` and comes back by its name.
 */
export abstract class Model extends LayersModel {
  private buildShape: SymbolicShape | SymbolicShape[] | null = null;
  private toCompile: ModelCompileArgs | null = null;

  constructor(args: { name?: string } = {}) {
    super();
    if (args.name !== undefined) (this as { name: string }).name = args.name;
    this.built = false;
  }

  abstract override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[];

  /** Calls the model once, on zeros, for inputs of these shapes: its layers get their weights. */
  override build(inputShape: SymbolicShape | SymbolicShape[]): void {
    if (this.built) return;
    this.buildShape = inputShape;
    const shapes = (Array.isArray(inputShape[0]) ? inputShape : [inputShape]) as SymbolicShape[];
    const shapesOfOutputs = tidy(() => {
      const given = shapes.map((shape) => zeros(shape.map((n) => n ?? 1)));
      return listOf(this.call(single(given), { training: false })).map(({ shape }): SymbolicShape => [null, ...shape.slice(1)]);
    });
    const parts = Object.values(this).flat().filter((value): value is Layer => value instanceof Layer);
    const inputs = shapes.map((shape) => input({ batchShape: [null, ...shape.slice(1)] }));
    const body = new Body(`${this.name}_call`, (x, kwargs) => this.call(x, kwargs), shapesOfOutputs);
    this.setGraph(inputs, listOf(body.apply(inputs) as SymbolicTensor | SymbolicTensor[]));
    this.outputNames = this.outputs.map((_, i) => `output_${i + 1}`);
    this.layers = [...new Set(parts)];
    if (this.toCompile !== null) super.compile(this.toCompile);
  }

  private begin(x: Fed): void {
    if (this.built) return;
    const named = !(x instanceof Tensor || Array.isArray(x) || isTypedArray(x));
    const shapes = entriesOf(x, named ? Object.keys(x) : []).map((given) => (given instanceof Tensor ? given.shape : inferShape(given)));
    // A value for each sample.
    this.build(single(shapes.map(([, ...rest]) => [null, ...(rest.length > 0 ? rest : [1])])) as SymbolicShape);
  }

  override compile(args: ModelCompileArgs): void {
    this.toCompile = args;
    // Losses and metrics are of outputs, which are not known yet.
    super.compile(this.built ? args : { ...args, loss: [], metrics: [] });
  }

  override apply(inputs: any, kwargs: Kwargs = {}): any {
    const [first] = listOf(inputs);
    this.build(single(listOf(inputs).map((x: { shape: SymbolicShape }) => [null, ...x.shape.slice(1)])) as SymbolicShape);
    if (first === undefined) throw coded('argument', `Model ${this.name} is called without an input.`);
    return super.apply(inputs, kwargs);
  }

  override predict(x: Fed, args?: { batchSize?: number; verbose?: boolean }): Tensor | Tensor[] {
    this.begin(x);
    return super.predict(x, args);
  }

  override evaluate(x: Fed, y: Fed, args?: ModelEvaluateArgs): Tensor | Tensor[] {
    this.begin(x);
    return super.evaluate(x, y, args);
  }

  override fit(x: Fed, y: Fed, args?: ModelFitArgs): ReturnType<LayersModel['fit']> {
    this.begin(x);
    return super.fit(x, y, args);
  }

  override trainOnBatch(x: Fed, y: Fed): Promise<number | number[]> {
    this.begin(x);
    return super.trainOnBatch(x, y);
  }

  override getConfig(): Config {
    return { name: this.name };
  }

  override kerasConfig(): Config {
    return { ...(toKeras(this.getConfig()) as Config), build_input_shape: this.buildShape };
  }
}
