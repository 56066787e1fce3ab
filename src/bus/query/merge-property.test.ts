import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellCall, tellLine } from '../../../test/fixtures/told-bus.ts';
import { parseEntityId } from '../../model/id.ts';
import { ALPHA, channelName, segmentFile } from '../layout.ts';
import { idOf } from './line-filter.ts';
import { readLastLines } from './last-lines.ts';
import { mergeLines } from './merge.ts';

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('line' as const),
      channel: fc.nat(4),
      isCall: fc.boolean(),
      chars: fc.nat(60_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('roll' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pack' as const), channel: fc.nat(4) }) },
);

const pack = (path: string): void => {
  writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
  rmSync(path);
};

it('however lines are spread over channels, segments and compressed files: each is found once, in order of time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(20), async (steps, lastCount) => {
      using bus = new TempBus();
      const ids: string[] = [];
      let segments = 0;
      let writer = bus.open();
      for (const step of steps) {
        if (step.do === 'line') {
          const at = new Date(Date.UTC(2026, 0, 1) + ids.length * 1000).toISOString();
          const entity = `JOB-${step.channel}`;
          const text = 'é'.repeat(step.chars / 2);
          const told = { at, data: { text } };
          ids.push(
            step.isCall ? tellCall(writer, entity, '', told) : tellLine(writer, { entity, type: 'note', ...told }),
          );
          continue;
        }
        writer[Symbol.dispose](); // what is compressed has been left by its writer
        const path = step.do === 'roll' ? bus.path(ALPHA) : bus.path(channelName(parseEntityId(`JOB-${step.channel}`)));
        if (step.do === 'pack' && existsSync(path) && !existsSync(`${path}.gz`)) pack(path);
        if (step.do === 'roll' && existsSync(path)) {
          segments += 1;
          const segment = join(bus.busDir, segmentFile(segments));
          renameSync(path, segment);
          if (segments % 2 === 0) pack(segment);
        }
        writer = bus.open();
      }
      writer[Symbol.dispose]();
      const found: string[] = [];
      for await (const lines of mergeLines({ busDirs: [bus.busDir], query: {} })) {
        found.push(...lines.flatMap(({ text }) => idOf(text) ?? []));
      }
      expect(found).toEqual(ids);
      const last = await readLastLines({ busDir: bus.busDir, query: {}, count: lastCount });
      expect(last.map(idOf)).toEqual(lastCount === 0 ? [] : ids.slice(-lastCount));
    }),
    { numRuns: 60 },
  );
}, 60_000);
