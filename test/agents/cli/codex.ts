/** Owns Codex as the tests have it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fieldsOf, textOf } from '../../../src/agents/read-fields.ts';
import type { ScriptedCall } from '../../servers/model/script.ts';
import type { TellCall } from '../bus-calls.ts';
import { type AgentCli, linesOf } from './agent-cli.ts';

/** `supports_websockets`: the scripted model speaks HTTP alone. */
const config = (modelUrl: string): string => `model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false

[model_providers.scripted]
name = "scripted"
base_url = "${modelUrl}/v1"
env_key = "SCRIPTED_API_KEY"
wire_api = "responses"
request_max_retries = 2
stream_max_retries = 2
supports_websockets = false

[analytics]
enabled = false

[otel]
exporter = "none"
`;

const patch = (header: string, lines: readonly string[]): ScriptedCall => ({
  tool: 'apply_patch',
  isFreeform: true,
  input: ['*** Begin Patch', `*** ${header}`, ...lines, '*** End Patch'].join('\n'),
});

/** A call as the bus has it: its hooks have names of their own for two tools. */
export const codexCall: TellCall = ({ tool, input }) => {
  if (tool === 'apply_patch') return { tool, input: { command: input } };
  if (tool !== 'exec_command') return { tool, input };
  return { tool: 'Bash', input: typeof input === 'string' ? input : { command: input['cmd'] } };
};

/** The id of the subagent that was started last. */
const spawnedIn = (results: readonly string[]): string =>
  results.flatMap((text) => /"agent_id":\s*"([^"]+)"/.exec(text)?.[1] ?? []).at(-1) ?? '';

export const codex: AgentCli = {
  kind: 'codex',
  package: '@openai/codex',
  version: '0.169.0',
  program: 'codex',
  installOptions: [],
  settle: ({ home, modelUrl }) => {
    mkdirSync(join(home, '.codex'), { recursive: true });
    writeFileSync(join(home, '.codex/config.toml'), config(modelUrl));
    return { SCRIPTED_API_KEY: 'sk-no-key-of-anyone' };
  },
  words: {
    shell: (cmd) => ({ tool: 'exec_command', input: { cmd } }),
    write: (path, text) =>
      patch(
        `Add File: ${path}`,
        text
          .trimEnd()
          .split('\n')
          .map((line) => `+${line}`),
      ),
    edit: (path, before, after) => patch(`Update File: ${path}`, ['@@', `-${before}`, `+${after}`]),
    miss: (path) => patch(`Update File: ${path}`, ['@@', '-nothing', '+something']),
    unknown: { tool: 'nope_tool', input: { nope: true } },
    invalid: { tool: 'exec_command', input: '{"cmd' },
    delegate: (message) => [
      { calls: [{ tool: 'spawn_agent', namespace: 'multi_agent_v1', input: { message } }] },
      {
        calls: [
          { tool: 'wait_agent', namespace: 'multi_agent_v1', input: (results) => ({ targets: [spawnedIn(results)] }) },
        ],
      },
    ],
    conclude: (text) => ({ text }),
  },
  argv: (prompt) => ['exec', '--json', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', prompt],
  answerIn: (stdout) => {
    const items = linesOf(stdout).map(({ item }) => fieldsOf(item));
    return textOf(items.findLast(({ type }) => type === 'agent_message')?.['text']) ?? '';
  },
};
