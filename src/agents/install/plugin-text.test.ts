import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../test/pods.ts';
import { pluginText } from './plugin-text.ts';

type Hook = (...given: readonly unknown[]) => Promise<void>;

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-plugin-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const load = async (script: string): Promise<Readonly<Record<string, Hook>>> => {
  const path = join(dir, `${script}.mjs`);
  writeFileSync(path, pluginText(join(dir, script)));
  const { Nika } = (await import(pathToFileURL(path).href)) as {
    Nika: (context: { directory: string }) => Promise<Record<string, Hook>>;
  };
  return Nika({ directory: dir });
};

describe('the plugin that is installed in opencode', () => {
  it('hands on what it is told, in order', async () => {
    const told = join(dir, 'told');
    writeFileSync(join(dir, 'hook.sh'), `#!/bin/sh\ncat >>${told}; echo >>${told}\n`, { mode: 0o700 });
    const hooks = await load('hook.sh');
    const input = { sessionID: 's', tool: 'bash', callID: 'c', args: { command: 'false' } };
    await hooks['tool.execute.before']?.(input, { args: input.args });
    await hooks['tool.execute.after']?.(input, { output: 'no', metadata: { exit: 1 } });
    const lines = await until('both', () => {
      const text = readFileSync(told, { encoding: 'utf8', flag: 'a+' }).trim().split('\n');
      return text.length === 2 && text;
    });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { hook_event_name: 'PreToolUse', tool_use_id: 'c', tool_input: { command: 'false' } },
      { hook_event_name: 'PostToolUseFailure', error: 'Exit code 1\nno' },
    ]);
  });

  it('breaks no call, whatever it is given and whether its script is there (G1)', async () => {
    const hooks = await load('gone.sh');
    for (const hook of Object.values(hooks)) {
      await expect(hook({ sessionID: 's', tool: 't', callID: 'c', args: {} }, undefined)).resolves.toBeUndefined();
      await expect(hook(undefined, undefined)).resolves.toBeUndefined();
    }
  });
});
