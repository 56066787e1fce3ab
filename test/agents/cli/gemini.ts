/** Owns Gemini CLI as the tests have it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../../../src/agents/read-fields.ts';
import { type AgentCli, linesOf } from './agent-cli.ts';

const SETTINGS = {
  security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
};

export const gemini: AgentCli = {
  kind: 'gemini',
  package: '@google/gemini-cli',
  version: '0.61.0',
  program: 'gemini',
  installOptions: ['--omit=optional', '--ignore-scripts'],
  settle: ({ home, modelUrl }) => {
    mkdirSync(join(home, '.gemini'), { recursive: true });
    writeFileSync(join(home, '.gemini/settings.json'), JSON.stringify(SETTINGS));
    return {
      GEMINI_API_KEY: 'no-key-of-anyone',
      GOOGLE_GEMINI_BASE_URL: modelUrl,
      GEMINI_TELEMETRY_ENABLED: 'false',
      GEMINI_MODEL: 'gemini-2.5-flash',
    };
  },
  words: {
    shell: (command) => ({ tool: 'run_shell_command', input: { command, description: 'a command' } }),
    write: (path, text) => ({ tool: 'write_file', input: { file_path: path, content: text } }),
    edit: (path, before, after) => ({
      tool: 'replace',
      input: { file_path: path, old_string: before, new_string: after, instruction: 'change it' },
    }),
    miss: (path) => ({ tool: 'read_file', input: { file_path: path } }),
    unknown: { tool: 'nope', input: { nope: true } },
    invalid: { tool: 'run_shell_command', input: { nope: true } },
    delegate: (prompt) => [{ calls: [{ tool: 'invoke_agent', input: { agent_name: 'generalist', prompt } }] }],
    conclude: (response) => ({ calls: [{ tool: 'complete_task', input: { result: { response } } }] }),
  },
  argv: (prompt) => ['-m', 'gemini-2.5-flash', '--yolo', '--output-format', 'stream-json', '-p', prompt],
  answerIn: (stdout) => {
    const lines = linesOf(stdout);
    const before = lines.findLastIndex(({ type }) => type === 'tool_result'); // the answer comes in pieces after it
    const pieces = lines.slice(before + 1).filter(({ type, role }) => type === 'message' && role === 'assistant');
    return pieces.map(({ content }) => textOf(content) ?? '').join('');
  },
};
