import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { EpochLogs } from './protocol.js';

const COLOURS = {
  loss: '#ff8fd0',
  accuracy: '#ffd93d',
  axis: '#a9acd6',
  grid: '#1d2046',
} as const;
const HEIGHT = 190;
const FONT = '11px system-ui, sans-serif';

/** Loss (left axis) and accuracy (right axis) by epoch; dashed lines are the held-out samples. */
export class TrainingChart {
  private readonly plot: uPlot;
  private epochs: number[] = [];
  private columns: (number | null)[][] = [[], [], [], []];

  constructor(host: HTMLElement) {
    const axis = { stroke: COLOURS.axis, font: FONT, ticks: { show: false } };
    this.plot = new uPlot(
      {
        width: host.clientWidth || 300,
        height: HEIGHT,
        cursor: { points: { size: 6 } },
        padding: [10, 4, 0, 0],
        scales: {
          x: { time: false, range: (_plot, _min, max) => [1, Math.max(2, max)] },
          loss: { range: (_plot, _min, max) => [0, Math.max(0.1, (max ?? 1) * 1.05)] },
          accuracy: { range: [0, 1.03] },
        },
        axes: [
          { ...axis, grid: { stroke: COLOURS.grid }, size: 26, incrs: [1, 2, 5, 10, 20, 50] },
          { ...axis, scale: 'loss', grid: { stroke: COLOURS.grid }, size: 38 },
          {
            ...axis,
            scale: 'accuracy',
            side: 1,
            size: 44,
            grid: { show: false },
            splits: () => [0, 0.25, 0.5, 0.75, 1],
            values: (_plot, values) => values.map((value) => `${Math.round(value * 100)} %`),
          },
        ],
        series: [
          { label: 'epoch' },
          line('loss', 'loss'),
          line('loss, held out', 'loss', [4, 4]),
          line('accuracy', 'accuracy'),
          line('accuracy, held out', 'accuracy', [4, 4]),
        ],
        legend: { live: false, markers: { dash: (_plot, series) => (series % 2 === 0 ? 'dashed' : 'solid') } },
      },
      [[], [], [], [], []],
      host,
    );
    new ResizeObserver(() => {
      if (host.clientWidth > 0) this.plot.setSize({ width: host.clientWidth, height: HEIGHT });
    }).observe(host);
  }

  /** Empties the chart for a new run. */
  reset(): void {
    this.epochs = [];
    this.columns = [[], [], [], []];
    this.plot.setData([[], [], [], [], []]);
  }

  /** Adds an epoch. */
  add(logs: EpochLogs): void {
    this.epochs.push(logs.epoch + 1);
    const values = [logs.loss, logs.heldOutLoss, logs.accuracy, logs.heldOutAccuracy];
    this.columns.forEach((column, index) => column.push(values[index] ?? null));
    this.plot.setData([this.epochs, ...this.columns] as uPlot.AlignedData);
  }
}

function line(label: string, scale: 'loss' | 'accuracy', dash?: number[]): uPlot.Series {
  return { label, scale, stroke: COLOURS[scale], width: 2, points: { show: false }, ...(dash && { dash }) };
}
