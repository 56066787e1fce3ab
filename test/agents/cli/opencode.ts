/** Owns opencode as the tests have it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fieldsOf, textOf } from '../../../src/agents/read-fields.ts';
import { type AgentCli, linesOf } from './agent-cli.ts';

const config = (modelUrl: string) => ({
  autoupdate: false,
  share: 'disabled',
  model: 'scripted/scripted-model',
  small_model: 'scripted/scripted-model',
  enabled_providers: ['scripted'],
  provider: {
    scripted: {
      npm: '@ai-sdk/openai-compatible', // it brings that one along
      name: 'Scripted',
      options: { baseURL: `${modelUrl}/v1`, apiKey: 'sk-no-key-of-anyone' },
      models: {
        'scripted-model': {
          name: 'scripted-model',
          tool_call: true,
          limit: { context: 100_000, output: 4_000 },
          cost: { input: 1, output: 2 },
        },
      },
    },
  },
});

export const opencode: AgentCli = {
  kind: 'opencode',
  package: 'opencode-ai',
  version: '1.18.33',
  program: 'opencode',
  installOptions: [],
  settle: ({ home, modelUrl }) => {
    mkdirSync(join(home, '.config/opencode'), { recursive: true });
    writeFileSync(join(home, '.config/opencode/opencode.json'), JSON.stringify(config(modelUrl)));
    return {
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
      npm_config_fetch_retries: '0', // it installs a library for its plugins, and waits for that
    };
  },
  words: {
    shell: (command) => ({ tool: 'bash', input: { command, description: 'a command' } }),
    write: (path, text) => ({ tool: 'write', input: { filePath: path, content: text } }),
    edit: (path, before, after) => ({
      tool: 'edit',
      input: { filePath: path, oldString: before, newString: after },
    }),
    miss: (path) => ({ tool: 'read', input: { filePath: path } }),
    unknown: { tool: 'nope', input: { nope: true } },
    invalid: { tool: 'bash', input: { nope: true } },
    delegate: (prompt) => [
      { calls: [{ tool: 'task', input: { description: 'a part', prompt, subagent_type: 'general' } }] },
    ],
    conclude: (text) => ({ text }),
  },
  argv: (prompt) => ['run', '--format', 'json', prompt],
  answerIn: (stdout) => {
    const line = linesOf(stdout).findLast(({ type }) => type === 'text');
    return textOf(fieldsOf(line?.['part'])['text']) ?? '';
  },
};
