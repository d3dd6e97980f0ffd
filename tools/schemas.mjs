// JSON Schemas of the documents people write, generated from the zod schemas that the loader uses, shipped inside the
// packages for editors. Usage: node --conditions=@lazarus/source tools/schemas.mjs [--update]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { root } from './run-command.mjs';

/** Shipped file, the schema it is made from, and the title editors show. */
const schemas = [
  {
    file: 'packages/core/schemas/event.v1.json',
    from: 'packages/core/src/events/event.ts',
    name: 'EventSchema',
    title: 'Lazarus event',
  },
  {
    file: 'packages/core/schemas/rule.v1.json',
    from: 'packages/core/src/rules/rule-schema.ts',
    name: 'RuleSchema',
    title: 'Lazarus rule',
  },
  {
    file: 'packages/core/schemas/profile.v1.json',
    from: 'packages/core/src/profiles/profile-schema.ts',
    name: 'ProfileSchema',
    title: 'Lazarus profile',
  },
  {
    file: 'packages/core/schemas/service.v1.json',
    from: 'packages/core/src/config/service-schema.ts',
    name: 'ServiceSchema',
    title: 'Lazarus service',
  },
  {
    file: 'packages/core/schemas/settings.v1.json',
    from: 'packages/core/src/config/settings-schema.ts',
    name: 'SettingsSchema',
    title: 'Lazarus settings',
  },
  {
    file: 'packages/core/schemas/explanation.v1.json',
    from: 'packages/core/src/decision/explanation-schema.ts',
    name: 'ExplanationSchema',
    title: 'Lazarus explanation',
  },
  {
    file: 'packages/dag/schemas/workflow.v1.json',
    from: 'packages/dag/src/document/workflow-schema.ts',
    name: 'WorkflowDocumentSchema',
    title: 'Lazarus workflow',
  },
  {
    file: 'packages/testing/schemas/test.v1.json',
    from: 'packages/testing/src/lab/runbook-test-schema.ts',
    name: 'RunbookTestSchema',
    title: 'Lazarus runbook tests',
  },
];

const update = process.argv.includes('--update');
let drifted = 0;
for (const { file, from, name, title } of schemas) {
  const schema = (await import(pathToFileURL(join(root, from)).href))[name];
  if (schema === undefined) throw new Error(`${from} exports no ${name}, which ${file} is made from`);
  // Draft 7 is what YAML editors understand; the input side is what people write.
  const document = { ...z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }), title };
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const path = join(root, file);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  if (update) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`wrote ${file}`);
  } else {
    drifted += 1;
    console.log(`${file} does not match ${name}; run npm run schemas and commit the file`);
  }
}
if (drifted === 0) console.log(`${schemas.length} schemas match`);
process.exitCode = drifted > 0 ? 1 : 0;
