/** Brings what the bus of a home has to Qdrant, as a process of its own: prints how long it took, and its memory. */
import { join } from 'node:path';
import { Secret } from '../../../src/model/secret.ts';
import { openStore } from '../../../src/memory/qdrant/open-store.ts';
import { memoryTargetName } from '../../../src/memory/sync/memory-files.ts';
import { MemorySync } from '../../../src/memory/sync/memory-sync.ts';

const [home = '', url = '', key = '', way = 'sync'] = process.argv.slice(2);
const target = { kind: 'on', url, apiKey: new Secret(key), collection: 'nika_memory' } as const;
await using store = await openStore({ target, writeWithinMs: 60_000 });
const { signal } = new AbortController();
const [busDir, runDir] = [join(home, '_bus'), join(home, 'run')];
const atMs = performance.now();
const sync = new MemorySync({ store, busDir, runDir, target: memoryTargetName(target), keepMs: {}, signal });
if (way === 'rebuild') sync.rebuild();
if (way === 'compare') sync.compareAll();
const caught = await sync.catchUp();
if (caught.kind !== 'done') throw new Error(`${caught.kind}: ${caught.why}`);
const ms = performance.now() - atMs;
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const cpuMs = (userCPUTime + systemCPUTime) / 1000;
console.log(JSON.stringify({ ms, maxRssMb: maxRSS / 1000, cpuMs, found: caught.writtenCount }));
