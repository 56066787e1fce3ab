/** Owns `nika hook <agent>`: the hook in shell, run for an agent that is told of nika by hand. Never fails, prints nothing. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Home } from '../../config/home.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { collectorPlace } from '../collector/collector-place.ts';
import { writeHookScript } from './hook-script.ts';

const BUDGET_MS = 5_000;

export const runHook = async (agent: string, home: Home): Promise<void> => {
  const name = agent.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 40) || 'agent';
  await bestEffort('hook', { withinMs: BUDGET_MS }, async () => {
    const { script } = collectorPlace(home);
    if (!existsSync(script)) writeHookScript(home);
    const { promise, resolve } = Promise.withResolvers<void>();
    const child = spawn(script, [name], { stdio: ['inherit', 'ignore', 'ignore'] });
    child.once('error', () => resolve());
    child.once('close', () => resolve());
    await promise;
  });
  process.exitCode = 0;
};
