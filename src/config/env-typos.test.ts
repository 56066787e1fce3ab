import { expect, it } from 'vitest';
import { findEnvTypos } from './env-typos.ts';

it('names the setting that a variable of the environment was probably meant to be', async () => {
  const env = { NIKA_BUS_SEGMNT_BYTES: '1', NIKA_LOG_LEVEL: 'debug', NIKA_HOEM: '/x' };
  expect(await findEnvTypos(env)).toEqual([
    { name: 'NIKA_BUS_SEGMNT_BYTES', meant: 'NIKA_BUS_SEGMENT_BYTES' },
    { name: 'NIKA_LOG_LEVEL', meant: 'NIKA_LOGS_LEVEL' },
    { name: 'NIKA_HOEM', meant: 'NIKA_HOME' },
  ]);
});

it('says nothing of settings, of what pods hand on, and of what others call theirs', async () => {
  const own = { NIKA_BUS_SEGMENT_BYTES: '1', NIKA_HOME: '/x', NIKA_SESSION_ID: 's', NIKA_ENTITY_ID: 'e' };
  expect(await findEnvTypos({ ...own, NIKA_TEAM_WEBHOOK: 'x', NIKA_: 'x', PATH: '/bin', SEGMNT_BYTES: '1' })).toEqual(
    [],
  );
});
