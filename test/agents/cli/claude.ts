/** Owns Claude Code as the tests have it. */
import { textOf } from '../../../src/agents/read-fields.ts';
import { type AgentCli, linesOf } from './agent-cli.ts';

export const claude: AgentCli = {
  kind: 'claude-code',
  package: '@anthropic-ai/claude-code',
  version: '2.1.197',
  program: 'claude',
  installOptions: [],
  settle: ({ modelUrl }) => ({
    ANTHROPIC_BASE_URL: modelUrl,
    ANTHROPIC_API_KEY: 'sk-ant-no-key-of-anyone',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    IS_SANDBOX: '1', // else root may not let it work without asking
  }),
  words: {
    shell: (command) => ({ tool: 'Bash', input: { command, description: 'a command' } }),
    write: (path, text) => ({ tool: 'Write', input: { file_path: path, content: text } }),
    edit: (path, before, after) => ({
      tool: 'Edit',
      input: { file_path: path, old_string: before, new_string: after, replace_all: false },
    }),
    miss: (path) => ({ tool: 'Read', input: { file_path: path } }),
    unknown: { tool: 'NopeTool', input: { nope: true } },
    invalid: { tool: 'Bash', input: { nope: true } },
    delegate: (prompt) => [
      { calls: [{ tool: 'Task', input: { description: 'a part', prompt, subagent_type: 'general-purpose' } }] },
    ],
    conclude: (text) => ({ text }),
  },
  argv: (prompt) => [
    '-p',
    prompt,
    '--permission-mode',
    'bypassPermissions',
    '--model',
    'claude-sonnet-4-5',
    '--output-format',
    'stream-json',
    '--verbose',
  ],
  answerIn: (stdout) => textOf(linesOf(stdout).find(({ type }) => type === 'result')?.['result']) ?? '',
};
