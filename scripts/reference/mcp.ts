/** Owns `docs/reference/mcp.md`: the tools of `nika mcp`, as an agent is told of them. */
import { INSTRUCTIONS, TOOLS } from '../../src/mcp/tools.ts';
import type { McpTool } from '../../src/mcp/tool.ts';
import { schemaTable } from './schema-table.ts';

const hintOf = ({ isReadOnly, isDestructive }: McpTool): string =>
  isReadOnly ? 'It only looks.' : isDestructive === true ? 'It ends the work of others.' : '';

const sectionOf = (tool: McpTool): string =>
  [
    `## \`${tool.name}\``,
    `${tool.description} ${hintOf(tool)}`.trim(),
    Object.keys(tool.input.shape).length === 0 ? 'No input.' : schemaTable(tool.input, 'input'),
  ].join('\n\n');

export const mcpReference = (): string =>
  [
    '# Tools for agents',
    'What `nika mcp` gives an agent ([how it gets there](../mcp.md)). Descriptions and inputs are what the agent itself is told; inputs that are not listed are refused. Agents put the name of the server before that of the tool: `mcp__nika__wait` in Claude Code and Codex, `mcp_nika_wait` in Gemini, `nika_wait` in opencode.',
    `All of them at once: “${INSTRUCTIONS}”`,
    ...TOOLS.map(sectionOf),
  ].join('\n\n');
