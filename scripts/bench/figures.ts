/** Owns how a benchmark sums up its samples and names its machine. */
import { cpus, release, totalmem } from 'node:os';

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Percentiles of samples, nearest rank; the samples are sorted in place. */
export const percentiles = (samples: Float64Array): Percentiles => {
  samples.sort();
  const at = (share: number): number => samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: samples.at(-1) ?? 0 };
};

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

export const machine = (): string => {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const memory = Math.round(totalmem() / 1e9);
  return `${cpus().length} × ${model}, ${memory} GB, Linux ${release().split('-')[0]}, Node ${process.versions.node}`;
};

export const row = (name: string, cells: readonly string[]): void => {
  console.log(`| ${[name, ...cells].join(' | ')} |`);
};

export const fixed = (value: number, digits = 1): string => value.toFixed(digits);
