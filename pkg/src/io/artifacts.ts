/** Models as JSON and bytes. */

import { coded } from '../types.js';
import { CompositeArrayBuffer, stringByteLength } from './buffers.js';
import type { ModelArtifacts, ModelArtifactsInfo, ModelJSON, WeightData, WeightsManifestConfig, WeightsManifestEntry } from './types.js';
import { entryBytes } from './weights.js';

/** What artifacts and JSON have in common. */
export function common(from: ModelArtifacts | ModelJSON): Omit<ModelArtifacts, 'weightSpecs' | 'weightData'> {
  const { modelTopology, format, generatedBy, convertedBy } = from;
  const out: ModelArtifacts = { modelTopology, format, generatedBy, convertedBy };
  for (const key of ['signature', 'userDefinedMetadata', 'modelInitializer', 'initializerSignature', 'trainingConfig'] as const) {
    if (from[key] != null) out[key] = from[key];
  }
  return out;
}

/** The model.json of a model. */
export const getModelJSONForModelArtifacts = (artifacts: ModelArtifacts, weightsManifest: WeightsManifestConfig): ModelJSON => ({ ...common(artifacts), weightsManifest });

/** The weights of a manifest. */
export const getWeightSpecs = (manifest: WeightsManifestConfig): WeightsManifestEntry[] => manifest.flatMap((group) => group.weights);

/** The artifacts of a model.json and its weights. */
export function getModelArtifactsForJSONSync(json: ModelJSON, weightSpecs?: WeightsManifestEntry[], weightData?: WeightData): ModelArtifacts {
  const artifacts = common(json);
  if (json.weightsManifest == null) return artifacts;
  if (!weightSpecs || !weightData) throw coded('argument', `modelJSON has weightsManifest but ${weightSpecs ? 'weightData' : 'weightSpecs'} is null`);
  return { ...artifacts, weightSpecs, weightData };
}

/** The artifacts of a model.json, with weights from where its manifest says. */
export async function getModelArtifactsForJSON(
  json: ModelJSON,
  loadWeights: (manifest: WeightsManifestConfig) => Promise<[WeightsManifestEntry[], WeightData]>,
): Promise<ModelArtifacts> {
  const [specs, data] = json.weightsManifest == null ? [] : await loadWeights(json.weightsManifest);
  return getModelArtifactsForJSONSync(json, specs, data);
}

/** The artifacts of a model.json and the bytes that its manifest names. */
export async function artifactsOf(json: ModelJSON, where: string, readShards: (paths: string[], bytes: number) => Promise<ArrayBuffer[]>): Promise<ModelArtifacts> {
  if (json.modelTopology == null && json.weightsManifest == null) {
    throw coded('format', `The JSON from ${where} contains neither model topology or manifest for weights.`);
  }
  return getModelArtifactsForJSON(json, async (manifest) => {
    const specs = getWeightSpecs(manifest);
    const paths = manifest.flatMap((group) => group.paths);
    const expected = specs.reduce((n, entry) => n + entryBytes(entry), 0);
    const shards = await readShards(paths, expected);
    const received = new CompositeArrayBuffer(shards).byteLength;
    if (received !== expected && !Number.isNaN(expected)) {
      throw coded('format', `${paths.join(', ')}: expected ${expected} bytes of weights, received ${received}`);
    }
    return [specs, shards];
  });
}

/** A model as its JSON and its bytes, with one shard where it has weights. */
export function filesOf(artifacts: ModelArtifacts, shard: string): { json: string; weights: ArrayBuffer | undefined; modelArtifactsInfo: ModelArtifactsInfo } {
  const { weightSpecs = [], weightData } = artifacts;
  return {
    modelArtifactsInfo: getModelArtifactsInfoForJSON(artifacts),
    json: JSON.stringify(getModelJSONForModelArtifacts(artifacts, [{ paths: [shard], weights: weightSpecs }])),
    weights: weightData == null ? undefined : CompositeArrayBuffer.join(weightData),
  };
}

/** What is told of saved artifacts. */
export function getModelArtifactsInfoForJSON({ modelTopology, weightSpecs, weightData }: ModelArtifacts): ModelArtifactsInfo {
  if (modelTopology instanceof ArrayBuffer) throw coded('format', 'Expected JSON model topology, received ArrayBuffer.');
  const text = (value: unknown): number => (value == null ? 0 : stringByteLength(JSON.stringify(value)));
  return {
    dateSaved: new Date(),
    modelTopologyType: 'JSON',
    modelTopologyBytes: text(modelTopology),
    weightSpecsBytes: text(weightSpecs),
    weightDataBytes: new CompositeArrayBuffer(weightData).byteLength,
  };
}
