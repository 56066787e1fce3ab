/**
 * Runs inside a mount namespace of its own with a small tmpfs at argv[2]: fills it through the bus, frees it again,
 * makes it read-only and writable again; prints what it saw as one JSON line.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileOutage } from '../../src/bus/file-outage.ts';
import { createChain } from '../../src/bus/chain.ts';
import { BusWriter } from '../../src/bus/writer.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { parseEntityId } from '../../src/model/id.ts';

const disk = process.argv[2] ?? '';
const busDir = join(disk, '_bus');
const entity = parseEntityId('JOB-small-disk');
const outages: FileOutage[] = [];
const open = (): BusWriter =>
  BusWriter.open({
    busDir,
    runDir: join(disk, 'run'),
    chain: createChain(),
    segmentBytes: 1e9,
    backlog: { maxCount: 200, maxBytes: 1e6 },
    onOutageEnd: (outage) => outages.push(outage),
  });
let writer = open();
let slowestMs = 0;
let written = 0;
const write = (count: number): void => {
  for (let n = 0; n < count; n += 1) {
    const atMs = performance.now();
    const dataJson = JSON.stringify({ n: written, text: 'x'.repeat(700) });
    const id = createEventId(Date.now());
    writer.write({ ts: new Date().toISOString(), type: 'tool_call', entity, id, metaJson: '{"v":1}', dataJson });
    slowestMs = Math.max(slowestMs, performance.now() - atMs);
    written += 1;
  }
};

const ballast = join(disk, 'ballast');
writeFileSync(ballast, Buffer.alloc(600_000));
write(700); // 1 MB is full on the way
const full = { held: writer.heldCount, refused: writer.refusedCount };
rmSync(ballast);
writer.retryNow();
write(10);
writer[Symbol.dispose]();
/** A disk with a file open for writing cannot be made read-only; files that the disk refused are synced and closed later. */
const isOpenOnDisk = (): boolean =>
  readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(disk);
    } catch {
      return false; // closed since the listing
    }
  });
while (isOpenOnDisk()) await new Promise(setImmediate);
writer = open();
execFileSync('mount', ['-o', 'remount,ro', disk]);
write(20);
const readOnly = { held: writer.heldCount };
execFileSync('mount', ['-o', 'remount,rw', disk]);
writer.retryNow();
write(5);
writer[Symbol.dispose]();
const numbers = readFileSync(join(busDir, 'channels/JOB-small-disk.jsonl'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    try {
      return [(JSON.parse(line) as { data: { n: number } }).data.n];
    } catch {
      return []; // the torn part that the full disk left
    }
  });
process.stdout.write(`${JSON.stringify({ full, readOnly, outages, numbers, written, slowestMs })}\n`);
