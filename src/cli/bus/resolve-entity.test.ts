import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellState } from '../../../test/fixtures/told-bus.ts';
import { ALPHA, channelName } from '../../bus/layout.ts';
import type { BusWriter } from '../../bus/writer.ts';
import { parseEntityId } from '../../model/id.ts';
import { resolveEntity } from './resolve-entity.ts';

let bus: TempBus;
let writer: BusWriter;
beforeEach(() => {
  bus = new TempBus();
  writer = bus.open();
});
afterEach(() => {
  writer[Symbol.dispose]();
  bus[Symbol.dispose]();
});

let clock = 0;
const make = (id: string, meta: object = {}): void => {
  clock += 1;
  tellState(writer, id, 'created', { meta, at: new Date(Date.UTC(2026, 0, 1, 0, 0, clock)).toISOString() });
};

const resolve = (text: string): Promise<string> => resolveEntity(text, bus.busDir);

describe('an entity on the command line', () => {
  it('is its whole id, also where that is the beginning of another', async () => {
    make('JOB-a');
    make('JOB-ab');
    expect(await resolve('JOB-a')).toBe('JOB-a');
  });

  it('is any prefix of the random part, or of the id, that no other has', async () => {
    make('JOB-20261120-k3f9xq2m');
    make('TASK-20261120-k4aaaaaa');
    make('PROJ-hooks-refactor');
    expect(await resolve('k3')).toBe('JOB-20261120-k3f9xq2m');
    expect(await resolve('TASK')).toBe('TASK-20261120-k4aaaaaa');
    expect(await resolve('hooks')).toBe('PROJ-hooks-refactor');
  });

  it('is found in a compressed channel, too', async () => {
    make('JOB-20261120-k3f9xq2m');
    const path = bus.path(channelName(parseEntityId('JOB-20261120-k3f9xq2m')));
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    rmSync(path);
    expect(await resolve('k3f')).toBe('JOB-20261120-k3f9xq2m');
  });

  it('that may be several names them all', async () => {
    make('JOB-20261120-k3f9xq2m');
    make('JOB-20261120-k3aaaaaa');
    await expect(resolve('k3')).rejects.toMatchObject({
      code: 'NIKA_ENTITY_AMBIGUOUS',
      message: expect.stringMatching(/k3aaaaaa.*k3f9xq2m|k3f9xq2m.*k3aaaaaa/),
    });
  });

  it('is the name of a job of which exactly one runs', async () => {
    make('JOB-1', { job: 'audit' });
    make('JOB-2', { job: 'audit' });
    await expect(resolve('audit')).rejects.toMatchObject({ code: 'NIKA_ENTITY_AMBIGUOUS' });
    tellState(writer, 'JOB-1', 'completed', { meta: { job: 'audit' } });
    expect(await resolve('audit')).toBe('JOB-2');
    tellState(writer, 'JOB-2', 'completed', { meta: { job: 'audit' } });
    await expect(resolve('audit')).rejects.toThrow('no job "audit" runs now; its last was JOB-2');
  });

  it('is @last: the root job that was created last, not its tasks and not its child jobs', async () => {
    make('JOB-1');
    make('JOB-2');
    for (let n = 0; n < 30; n += 1) make(`TASK-${n}`, { parent_id: 'JOB-2', root_id: 'JOB-2' });
    make('JOB-child', { parent_id: 'JOB-2', root_id: 'JOB-2' });
    expect(await resolve('@last')).toBe('JOB-2');
    rmSync(bus.path(ALPHA));
    expect(await resolve('@last')).toBe('JOB-2');
  });

  it('is a SUB, which has no channel', async () => {
    make('TASK-t');
    tellState(writer, 'TASK-t', 'created', { meta: { entity_id: 'SUB-explore' } });
    expect(await resolve('SUB-explore')).toBe('SUB-explore');
    expect(await resolve('explore')).toBe('SUB-explore');
  });

  it.each(['nothing', '../../etc/passwd', '', 'a b', 'x'.repeat(500)])('is none: "%s"', async (text) => {
    make('JOB-1');
    await expect(resolve(text)).rejects.toMatchObject({ code: 'NIKA_BUS_NO_ENTITY' });
  });

  it('is none where nothing has run yet', async () => {
    await expect(resolve('@last')).rejects.toMatchObject({ code: 'NIKA_BUS_NO_ENTITY' });
  });
});
