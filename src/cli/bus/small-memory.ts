/** Owns how V8 is asked to spare memory while a whole bus is read. */
import { setFlagsFromString } from 'node:v8';

/** Reading makes much garbage that lives shortly; V8 would take 100 MB to collect it rarely (docs/benchmarks.md). */
export const keepMemorySmall = (): void => {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
};
