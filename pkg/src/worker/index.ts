/**
 * `headwater/worker`: models that are trained in a Web Worker, or a worker thread of Node, so that the page stays free.
 */

import type * as tf from '../index.js';
import { type InWorkerOptions, RemoteModel } from './remote.js';

export { type InWorkerOptions, type RemoteDataset, type RemoteFitDatasetArgs, RemoteModel } from './remote.js';
export { serveModels } from './serve.js';
export type { Functions } from './compile.js';

/** Starts a worker that trains and runs a model, which crosses with its weights, how it is compiled, and what its optimizer keeps. */
export const inWorker = (model: tf.LayersModel, options?: InWorkerOptions): Promise<RemoteModel> => RemoteModel.open(model, options);
