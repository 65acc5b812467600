import { TrainingChart } from './chart.js';
import { byId, messageOf } from './dom.js';
import { setStatus, showMessage } from './messages.js';
import type { Counts, EpochLogs, TrainResult, TrainSettings, WorkerEvent } from './protocol.js';
import type { WorkerClient } from './worker-client.js';

/** Classes without samples are never predicted; with one class there is nothing to tell apart. */
const MIN_CLASSES = 2;

interface Context {
  readonly client: WorkerClient;
  /** The names of the gestures, to be stored with the head. */
  gestures(): string[];
  /** Training began or ended. */
  changed(): void;
  trained(result: TrainResult): void;
}

const percent = (part: number | null): string => (part === null ? '–' : `${(part * 100).toFixed(1)} %`);

/** The training panel: settings, the two buttons, progress and chart. */
export class Trainer {
  training = false;
  /** Logs of each epoch of the last run. */
  history: EpochLogs[] = [];
  private readonly chart = new TrainingChart(byId('chart', HTMLDivElement));
  private readonly trainButton = byId('train-button', HTMLButtonElement);
  private readonly stopButton = byId('stop-button', HTMLButtonElement);
  private readonly hint = byId('train-hint', HTMLParagraphElement);
  private readonly progress = byId('train-progress', HTMLProgressElement);
  private readonly figures = {
    epoch: byId('figure-epoch', HTMLElement),
    loss: byId('figure-loss', HTMLElement),
    accuracy: byId('figure-accuracy', HTMLElement),
    heldOut: byId('figure-held-out', HTMLElement),
  };

  constructor(private readonly context: Context) {
    this.trainButton.addEventListener('click', () => void this.train());
    this.stopButton.addEventListener('click', () => {
      this.stopButton.disabled = true;
      setStatus('Stopping after this batch…');
      void context.client.call('stopTraining', {});
    });
  }

  /** Shows whether training can start with these samples. */
  update(counts: Counts, ready: boolean, backlog: number): void {
    const filled = counts.filter((count) => count > 0).length;
    this.trainButton.disabled = !ready || this.training || backlog > 0 || filled < MIN_CLASSES;
    if (this.training) this.hint.textContent = 'Training in a worker; the page stays free.';
    else if (filled < MIN_CLASSES) this.hint.textContent = 'Collect frames for at least two directions first.';
    else if (backlog > 0) this.hint.textContent = `Waiting for ${backlog} frames to be processed…`;
    else if (filled < counts.length) this.hint.textContent = 'A direction without frames will never be predicted.';
    else this.hint.textContent = 'Ready to train. Every fifth frame is held out to measure accuracy on.';
  }

  receive(event: WorkerEvent): void {
    if (event.name === 'batch') {
      this.progress.value = (event.epoch + event.batch / event.batches) / event.epochs;
      this.figures.epoch.textContent = `${event.epoch + 1} / ${event.epochs}`;
    }
    if (event.name === 'epoch') {
      const { logs } = event;
      this.history.push(logs);
      this.chart.add(logs);
      this.figures.loss.textContent = logs.loss.toFixed(4);
      this.figures.accuracy.textContent = percent(logs.accuracy);
      this.figures.heldOut.textContent = percent(logs.heldOutAccuracy);
    }
  }

  private async train(): Promise<void> {
    const settings = readSettings();
    if (settings === null) return;
    this.training = true;
    this.history = [];
    this.chart.reset();
    this.progress.value = 0;
    for (const figure of Object.values(this.figures)) figure.textContent = '–';
    this.stopButton.disabled = false;
    setStatus('Training…');
    this.context.changed();
    try {
      const result = await this.context.client.call('train', {
        settings,
        gestures: this.context.gestures(),
      });
      this.progress.value = 1;
      this.training = false;
      setStatus(summary(result, settings));
      this.context.trained(result);
    } catch (error) {
      showMessage('train', 'error', `Training failed: ${messageOf(error)}`);
      setStatus('Training failed.');
    } finally {
      this.training = false;
      this.stopButton.disabled = true;
      this.context.changed();
    }
  }
}

function summary({ epochs, seconds, info }: TrainResult, settings: TrainSettings): string {
  const how = epochs < settings.epochs ? `Stopped after ${epochs} epochs` : `Trained ${epochs} epochs`;
  const accuracy =
    info.heldOutAccuracy === null ? '' : ` Held-out accuracy ${percent(info.heldOutAccuracy)}.`;
  return `${how} in ${seconds.toFixed(1)} s.${accuracy}`;
}

/** The settings as they stand, or null (and the field says why) when one is no good. */
function readSettings(): TrainSettings | null {
  const epochs = byId('epochs', HTMLInputElement);
  if (!epochs.reportValidity()) return null;
  const select = (id: string): number => Number(byId(id, HTMLSelectElement).value);
  return {
    learningRate: select('learning-rate'),
    batchSize: select('batch-size'),
    hiddenUnits: select('hidden-units'),
    epochs: epochs.valueAsNumber,
  };
}
