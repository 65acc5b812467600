import './page.css';
import { Arcade } from './arcade.js';
import { Collector } from './collector.js';
import { byId, messageOf } from './dom.js';
import { Hooks } from './hooks.js';
import { clearMessage, setStatus, showMessage } from './messages.js';
import { Predictor } from './predictor.js';
import type { EnginePreference, EngineReport, HeadInfo, WorkerEvent } from './protocol.js';
import { startCamera, startClip, type FrameSource } from './sources.js';
import { Trainer } from './trainer.js';
import { WorkerClient } from './worker-client.js';

declare global {
  interface Window {
    /** See {@link Hooks}. */
    __headwater: Hooks;
  }
}

const CLIP_URL = new URL('assets/gestures.mjpeg', import.meta.url);
const ENGINE_KEY = 'webcam-pacman-engine';

const client = new WorkerClient(new URL('./worker.js', import.meta.url));
let source: FrameSource | null = null;
let engine: EngineReport | null = null;
let featuresReady = false;
let head: HeadInfo | null = null;

const video = byId('video', HTMLVideoElement);
const clip = byId('clip', HTMLCanvasElement);
const cameraButton = byId('camera-button', HTMLButtonElement);
const clipButton = byId('clip-button', HTMLButtonElement);
const engineSelect = byId('engine', HTMLSelectElement);
const engineBadge = byId('engine-badge', HTMLSpanElement);
const loadProgress = byId('load-progress', HTMLProgressElement);
const exportButton = byId('export-button', HTMLButtonElement);
const forgetButton = byId('forget-button', HTMLButtonElement);
const savedInfo = byId('saved-info', HTMLParagraphElement);

const currentSource = (): FrameSource | null => source;

const arcade = new Arcade();
const collector = new Collector({ client, source: currentSource, changed: refresh });
const trainer = new Trainer({
  client,
  gestures: () => collector.gestures,
  changed: refresh,
  trained: ({ info, saveError }) => {
    head = info;
    if (saveError !== null) {
      const text = `The trained head works but could not be stored in this browser: ${saveError}`;
      showMessage('store', 'error', text);
    }
    refresh();
  },
});
const predictor = new Predictor({
  client,
  source: currentSource,
  wanted: () => featuresReady && head !== null && !trainer.training && !collector.busy,
  frameTaken: (frame) => hooks.frameTaken(frame),
  predicted: ({ direction, probabilities, confident, milliseconds }) => {
    const steered = confident && arcade.steer(direction);
    const { wanted } = arcade.game.player;
    hooks.predicted({ direction, probabilities, milliseconds, steered, wanted });
  },
});
const hooks = new Hooks({
  state: () => ({
    ready: featuresReady,
    engine,
    source: source?.kind ?? null,
    counts: collector.counts,
    backlog: collector.backlog,
    training: trainer.training,
    history: trainer.history,
    head,
    arcade: arcade.state,
    score: arcade.game.score,
    lives: arcade.game.lives,
    wanted: arcade.game.player.wanted,
  }),
  source: currentSource,
  predict: (frame) => client.call('predict', { frame }, [frame]),
  memory: () => client.call('memory', {}),
});
window.__headwater = hooks;

/** Brings every control in line with what is possible now. */
function refresh(): void {
  const idle = !trainer.training && !collector.busy;
  collector.setEnabled(featuresReady && source !== null && !trainer.training);
  trainer.update(collector.counts, featuresReady, collector.backlog);
  engineSelect.disabled = engine === null || !idle;
  exportButton.disabled = forgetButton.disabled = head === null || trainer.training;
  savedInfo.textContent = head === null ? 'No trained head is stored yet.' : describeHead(head);
  if (head === null) arcade.setHint('Arrow keys and swipes work too. Train first to steer by gesture.');
  else if (source === null) arcade.setHint('Start the camera or the clip to steer by gesture.');
  else arcade.setHint('Your gestures steer. Arrow keys and swipes work too.');
}

function describeHead({ counts, trainedAt, heldOutAccuracy, gestures }: HeadInfo): string {
  const when = new Date(trainedAt).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const frames = counts.reduce((sum, count) => sum + count, 0);
  const accuracy =
    heldOutAccuracy === null ? '' : `, held-out accuracy ${(heldOutAccuracy * 100).toFixed(1)} %`;
  const named = gestures.filter((name) => name !== '');
  return `Stored in this browser: trained ${when} on ${frames} frames${accuracy}.${
    named.length > 0 ? ` Gestures: ${named.join(', ')}.` : ''
  }`;
}

function useSource(next: FrameSource | null): void {
  source?.stop();
  source = next;
  video.hidden = next?.kind !== 'camera';
  clip.hidden = next?.kind !== 'clip';
  byId('viewfinder-empty', HTMLDivElement).hidden = next !== null;
  const tag = byId('source-tag', HTMLSpanElement);
  tag.hidden = next === null;
  tag.textContent = next?.kind === 'clip' ? 'Sample clip, not your camera' : 'Camera';
  cameraButton.classList.toggle('primary', next === null);
  cameraButton.textContent = next?.kind === 'camera' ? 'Stop camera' : 'Start camera';
  clipButton.textContent = next?.kind === 'clip' ? 'Stop clip' : 'Use sample clip';
  refresh();
}

async function toggleCamera(): Promise<void> {
  if (source?.kind === 'camera') {
    useSource(null);
    setStatus('The camera is off.');
    return;
  }
  clearMessage('camera');
  try {
    setStatus('Asking for the camera…');
    const ended = (): void => {
      useSource(null);
      offerClip('The camera has gone away.');
    };
    useSource(await startCamera(video, ended));
    setStatus('The camera is on. Hold a button to collect frames.');
  } catch (error) {
    setStatus('There is no camera picture.');
    offerClip(messageOf(error));
  }
}

function offerClip(reason: string): void {
  const text = `${reason} You can use the bundled sample clip instead: four scenes, one after the other.`;
  showMessage('camera', 'error', text, { label: 'Use sample clip', run: () => void toggleClip() });
}

async function toggleClip(): Promise<void> {
  if (source?.kind === 'clip') {
    useSource(null);
    setStatus('The sample clip is off.');
    return;
  }
  clearMessage('camera');
  try {
    setStatus('Fetching the sample clip…');
    useSource(await startClip(clip, CLIP_URL));
    setStatus('The sample clip plays. Hold one button for each of its scenes.');
  } catch (error) {
    setStatus('The sample clip is not available.');
    showMessage('camera', 'error', messageOf(error), { label: 'Try again', run: () => void toggleClip() });
  }
}

async function useEngine(preference: EnginePreference): Promise<void> {
  engineSelect.disabled = true;
  engineBadge.textContent = 'starting…';
  clearMessage('engine');
  try {
    setStatus('Starting the engine…');
    engine = await client.call('useEngine', { preference });
    engineBadge.textContent = describeEngine(engine);
    engineBadge.dataset['engine'] = engine.active;
    if (engine.fallback !== null) showMessage('engine', 'note', engine.fallback);
  } catch (error) {
    engineBadge.textContent = 'unavailable';
    showMessage('engine', 'error', messageOf(error));
  }
  refresh();
}

function describeEngine({ active, threads, adapter }: EngineReport): string {
  if (active === 'webgpu') return `WebGPU · ${adapter ?? 'GPU'}`;
  return `WebAssembly · ${threads === 1 ? '1 thread' : `${threads ?? '?'} threads`}`;
}

/** Fetches the feature model; the page is of use without it (keyboard play), so a failure is a message. */
async function loadFeatures(): Promise<void> {
  clearMessage('model');
  loadProgress.value = 0;
  loadProgress.hidden = false;
  setStatus('Loading the feature model…');
  try {
    await client.call('loadFeatures', {});
    featuresReady = true;
    setStatus(source === null ? 'Ready. Start the camera or the sample clip.' : 'Ready. Hold a button to collect frames.');
  } catch (error) {
    setStatus('The feature model is missing; the game still works with the arrow keys.');
    const text = `The feature model could not be loaded: ${messageOf(error)}`;
    showMessage('model', 'error', text, { label: 'Try again', run: () => void loadFeatures() });
  } finally {
    loadProgress.hidden = true;
  }
  refresh();
}

async function restoreHead(): Promise<void> {
  try {
    head = await client.call('restoreHead', {});
    if (head === null) return;
    collector.gestures = head.gestures;
    showMessage('restored', 'note', 'Your trained head was restored: start the camera and play, or collect and train anew.');
  } catch (error) {
    showMessage('restored', 'error', `A stored head could not be read: ${messageOf(error)}`);
  }
  refresh();
}

async function forgetHead(): Promise<void> {
  try {
    await client.call('forgetHead', {});
    head = null;
    clearMessage('restored');
    setStatus('The trained head is forgotten.');
  } catch (error) {
    showMessage('store', 'error', `The stored head could not be deleted: ${messageOf(error)}`);
  }
  refresh();
}

async function exportHead(): Promise<void> {
  try {
    const files = await client.call('exportHead', {});
    const { downloadHead } = await import('./export.js');
    await downloadHead(files);
    setStatus('The head is offered as two downloads.');
  } catch (error) {
    showMessage('store', 'error', `The head could not be exported: ${messageOf(error)}`);
  }
}

function receive(event: WorkerEvent): void {
  if (event.name === 'modelProgress') loadProgress.value = event.fraction;
  else trainer.receive(event);
}

/** The engine chosen last time; storage may be refused. */
function preferredEngine(): EnginePreference {
  try {
    const stored = localStorage.getItem(ENGINE_KEY);
    return stored === 'cpu' || stored === 'webgpu' ? stored : 'auto';
  } catch {
    return 'auto';
  }
}

async function start(): Promise<void> {
  client.onEvent = receive;
  cameraButton.addEventListener('click', () => void toggleCamera());
  clipButton.addEventListener('click', () => void toggleClip());
  exportButton.addEventListener('click', () => void exportHead());
  forgetButton.addEventListener('click', () => void forgetHead());
  engineSelect.addEventListener('change', () => {
    try {
      localStorage.setItem(ENGINE_KEY, engineSelect.value);
    } catch {
      // The choice then lasts as long as the page.
    }
    void useEngine(engineSelect.value as EnginePreference).then(() => {
      if (featuresReady) setStatus('Ready.');
    });
  });
  engineSelect.value = preferredEngine();
  refresh();
  void predictor.run();
  await useEngine(preferredEngine());
  if (engine === null) return;
  await loadFeatures();
  await restoreHead();
}

void start();
