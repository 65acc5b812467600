/** `tf.data`: data sets that stream. */

export { array, func, generator, zip, type Zipped } from './create.js';
export { type ColumnConfig, csv, type CSVConfig, CSVDataset } from './csv.js';
export { Dataset, type Size } from './dataset.js';
export { images, ImageDataset, type ImageFile, type ImagesConfig } from './images.js';
export { LazyIterator } from './iterator.js';
export { microphone, type MicrophoneConfig, MicrophoneIterator, type Sound } from './microphone.js';
export { DataSource, FileDataSource, type FileOptions, URLDataSource } from './sources.js';
export type { Step } from './step.js';
export { TextLineDataset } from './text.js';
export { webcam, type WebcamConfig, WebcamIterator } from './webcam.js';
