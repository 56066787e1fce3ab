import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { editorSchemas } from './editor-schemas.ts';
import { packageRoot } from '../package-root.ts';
import { TOOL_NAMES } from '../job/tool-inputs.ts';

const schemaOf = (name: string): unknown => JSON.parse(editorSchemas()[name] ?? '');

const everyNode = (node: unknown): readonly Record<string, unknown>[] => {
  if (Array.isArray(node)) return node.flatMap(everyNode);
  if (typeof node !== 'object' || node === null) return [];
  return [node as Record<string, unknown>, ...Object.values(node).flatMap(everyNode)];
};

describe('the schemas for editors', () => {
  it('stand in the repository as they are generated (else: node scripts/generate-schemas.ts)', () => {
    for (const [name, text] of Object.entries(editorSchemas())) {
      expect(readFileSync(join(packageRoot(), 'config/schemas', name), 'utf8')).toBe(text);
    }
  });

  it("let a template stand wherever a tool's input is a number, a switch, a list or a choice", () => {
    const inputs = everyNode(schemaOf('job.schema.json')).filter((node) => 'then' in node);
    expect(
      inputs
        .map((node) => JSON.stringify(node['if']))
        .filter((text) => TOOL_NAMES.some((tool) => text.includes(`"${tool}"`))),
    ).toHaveLength(6);
    const fields = inputs.flatMap((node) => {
      const { properties } = (node['then'] as { properties: { input: { properties: object } } }).properties.input;
      return Object.values(properties) as Record<string, unknown>[];
    });
    const closed = fields.filter(
      (field) =>
        ['number', 'integer', 'boolean', 'array', 'object'].includes(String(field['type'])) ||
        'enum' in field ||
        'pattern' in field,
    );
    expect(closed).toEqual([]);
    expect(fields.length).toBeGreaterThan(30);
  });

  it('have patterns that editors can compile', () => {
    const nodes = Object.keys(editorSchemas()).flatMap((name) => everyNode(schemaOf(name)));
    const patterns = nodes.flatMap(({ pattern }) => (typeof pattern === 'string' ? [pattern] : []));
    expect(patterns.map((pattern) => new RegExp(pattern, 'u')).length).toBeGreaterThan(20);
  });

  it('take a section of the settings with nothing in it', () => {
    expect(
      everyNode(schemaOf('nika.schema.json')).filter((node) => JSON.stringify(node['type']) === '["object","null"]'),
    ).toHaveLength(25);
  });
});
