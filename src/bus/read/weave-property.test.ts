/** Owns the property of the weave (G8): no session can be taken out of a bus while one that began or ended later stands. */
import * as fc from 'fast-check';
import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TempBus, tell } from '../../../test/fixtures/temp-bus.ts';
import { ALPHA, channelName } from '../layout.ts';
import { type EntityId, parseEntityId } from '../../model/id.ts';
import type { BusWriter } from '../writer.ts';
import { tryReadHeader } from './verify/form.ts';
import type { Weave } from './weave.ts';

const SESSIONS = 5;

/** `read`: what the next first or last line will tell is read now, and written later. */
type Action = 'begin' | 'note' | 'call' | 'read' | 'end' | 'kill';

interface Step {
  readonly session: number;
  readonly action: Action;
}

interface Told {
  readonly writer: string;
  readonly entity: EntityId;
  /** Number of the step of its last line on the alpha bus; -1: none. */
  lastAt: number;
  /** Number of the step in which its latest first or last line that was written had been read. */
  readAt: number;
}

class Schedule {
  readonly told: Told[] = [];
  readonly #bus: TempBus;
  readonly #running = new Map<number, { writer: BusWriter; told: Told; read?: { weave: Weave; at: number } }>();
  #at = 0;

  constructor(bus: TempBus) {
    this.#bus = bus;
  }

  run({ session, action }: Step): void {
    this.#at += 1;
    const running = this.#running.get(session);
    if (running === undefined) {
      if (action === 'begin') this.#begin(session);
      return;
    }
    const { writer, told } = running;
    if (action === 'call') tell(writer, { entity: told.entity, type: 'tool_call' });
    if (action === 'read') running.read ??= { weave: this.#bus.weave(writer), at: this.#at };
    if (action === 'note') this.#tell(session, 'note', {});
    if (action === 'end') this.#weave(session, 'session_end_summary', { outcome: 'completed', heads: writer.heads() });
    if (action !== 'end' && action !== 'kill') return;
    writer[Symbol.dispose]();
    this.#running.delete(session);
  }

  #begin(session: number): void {
    const writer = this.#bus.open();
    const entity = parseEntityId(`JOB-${session}-${this.#at}`);
    const told: Told = { writer: writer.id, entity, lastAt: -1, readAt: -1 };
    this.told.push(told);
    this.#running.set(session, { writer, told });
    this.#tell(session, 'entity_created', {});
    this.#weave(session, 'session_start', { kind: 'pod', version: '0', cwd: '/' });
  }

  #weave(session: number, type: string, data: object): void {
    const running = this.#running.get(session);
    if (running === undefined) return;
    const { weave, at } = running.read ?? { weave: this.#bus.weave(running.writer), at: this.#at };
    delete running.read;
    running.told.readAt = at;
    this.#tell(session, type, { ...data, ...weave });
  }

  #tell(session: number, type: string, data: object): void {
    const running = this.#running.get(session);
    if (running === undefined) return;
    tell(running.writer, { entity: running.told.entity, type, data });
    running.told.lastAt = this.#at;
  }
}

it('G8: all lines of any writer, taken out of all files, are missed by who began or ended later', async () => {
  const action = fc.constantFrom<Action>('begin', 'begin', 'note', 'note', 'call', 'read', 'end', 'kill');
  const steps = fc.array(fc.record({ session: fc.nat(SESSIONS - 1), action }), { minLength: 10, maxLength: 60 });
  const property = fc.asyncProperty(steps, fc.nat(), async (taken, pick) => {
    using bus = new TempBus();
    const schedule = new Schedule(bus);
    for (const step of taken) schedule.run(step);
    const victim = schedule.told[pick % Math.max(1, schedule.told.length)];
    if (victim === undefined) return;
    expect(await bus.verify()).toMatchObject({ tampering: 0, warnings: 0 });
    const alpha = bus.lines(ALPHA).filter((line) => tryReadHeader(line)?.writer !== victim.writer);
    bus.writeLines(ALPHA, alpha);
    rmSync(bus.path(channelName(victim.entity)));
    const isTold = schedule.told.some(({ writer, readAt }) => writer !== victim.writer && readAt > victim.lastAt);
    const { tampering } = await bus.verify();
    expect(isTold && tampering === 0).toBe(false);
  });
  await fc.assert(property, { numRuns: 150 });
});
