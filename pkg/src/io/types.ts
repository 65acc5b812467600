/** Models as they are stored. */

import type { DataType } from '../types.js';

export interface Quantization {
  dtype: 'uint8' | 'uint16' | 'float16';
  min?: number;
  scale?: number;
  original_dtype?: string;
}

export interface WeightsManifestEntry {
  name: string;
  shape: number[];
  dtype: DataType;
  group?: 'model' | 'optimizer';
  quantization?: Quantization;
}

export type WeightData = ArrayBuffer | ArrayBuffer[];

export interface ModelArtifacts {
  modelTopology?: object | ArrayBuffer;
  format?: string;
  generatedBy?: string;
  convertedBy?: string | null;
  weightSpecs?: WeightsManifestEntry[];
  weightData?: WeightData;
  trainingConfig?: object;
  userDefinedMetadata?: object;
  signature?: object;
  modelInitializer?: object;
  initializerSignature?: object;
}

export interface ModelArtifactsInfo {
  dateSaved: Date;
  modelTopologyType: 'JSON' | 'GraphDef';
  modelTopologyBytes?: number;
  weightSpecsBytes?: number;
  weightDataBytes?: number;
}

export interface SaveResult {
  modelArtifactsInfo: ModelArtifactsInfo;
  responses?: Response[];
  errors?: unknown[];
}

/** Fetches; the details tell that bytes are expected. */
export type Fetch = (input: string, init?: RequestInit, details?: { isBinary: boolean }) => Promise<Response>;

export interface LoadOptions {
  requestInit?: RequestInit;
  /** Called with the fraction of bytes that have arrived. */
  onProgress?: (fraction: number) => void;
  fetchFunc?: Fetch;
  strict?: boolean;
  /** Has weights that were stored as uint8, uint16 or float16 stay that in memory: each use computes their float32 values
   *  anew, which takes the time of a pass over them, and forgets them. A weight that is set or trained is float32 from then
   *  on, as after loading without the option; so are all after the engine was changed, and in what `save` writes. On
   *  the CPU engine float16 takes 32 bits. A function of `tf.jit` has computed its weights once and holds the floats. */
  keepQuantized?: boolean;
  weightPathPrefix?: string;
  weightUrlConverter?: (file: string) => Promise<string>;
  signal?: AbortSignal;
}

export interface IOHandler {
  save?: (artifacts: ModelArtifacts) => Promise<SaveResult>;
  /** Where nothing was saved, it throws an error whose code is 'missing'. */
  load?: () => Promise<ModelArtifacts>;
  /** Deletes what was saved, if anything was. */
  remove?: () => Promise<unknown>;
}

/** As `IOHandler`, at once. */
export interface IOHandlerSync {
  save?: (artifacts: ModelArtifacts) => SaveResult;
  load?: () => ModelArtifacts;
}

/** Which files hold which weights. */
export type WeightsManifestConfig = { paths: string[]; weights: WeightsManifestEntry[] }[];

/** The contents of a model.json. */
export interface ModelJSON extends Omit<ModelArtifacts, 'weightSpecs' | 'weightData'> {
  weightsManifest?: WeightsManifestConfig;
}
