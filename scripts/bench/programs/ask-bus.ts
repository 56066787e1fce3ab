/** Asks the bus of a home alone, as a process of its own: prints how long it took, its memory, and what came of it. */
import { join } from 'node:path';
import { BusSource } from '../../../src/memory/bus/bus-source.ts';
import { memoryFilterSchema } from '../../../src/model/memory.ts';

const [home = '', question = '{}'] = process.argv.slice(2);
const { words, filter } = JSON.parse(question) as { readonly words?: string; readonly filter: unknown };
const source = new BusSource({ busDir: join(home, '_bus'), runDir: join(home, 'run') });
const { signal } = new AbortController();
const asked = memoryFilterSchema.parse(filter);
const atMs = performance.now();
const found =
  words === undefined
    ? (await source.count({ filter: asked }, signal)).count
    : (await source.search({ words, filter: asked, limit: 10 }, signal)).length;
const ms = performance.now() - atMs;
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const cpuMs = (userCPUTime + systemCPUTime) / 1000;
console.log(JSON.stringify({ ms, maxRssMb: maxRSS / 1000, cpuMs, found }));
