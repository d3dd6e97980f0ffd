// Keeps the documents true. Every `ts` block of every Markdown file is type-checked; blocks marked `runnable`
// (```ts runnable, ```sh runnable) are executed and must end with exit code 0.
// Usage, in the folder to check: node tools/check-docs.mjs [--run]   --run executes the runnable blocks as well
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand, toolPath } from './run-command.mjs';

/** The work tree to check. */
const root = process.cwd();
const RUN_TIMEOUT_MS = 180_000;
const work = join(root, '.cache', 'docs');

/** Code blocks with a language, in the order of the document. */
function blocksOf(file) {
  const blocks = [];
  let open;
  for (const [index, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
    const fence = /^\s*```(\S*)\s*(.*)$/.exec(line);
    if (open !== undefined && fence !== null && fence[1] === '') {
      blocks.push(open);
      open = undefined;
    } else if (open !== undefined) {
      open.lines.push(line);
    } else if (fence !== null) {
      open = {
        file,
        line: index + 1,
        language: fence[1],
        runnable: /\brunnable\b/.test(fence[2]),
        lines: [],
      };
    }
  }
  return blocks;
}

async function markdownFiles() {
  const { code, output } = await runCommand(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
    { cwd: root },
  );
  if (code !== 0) throw new Error(output);
  return output
    .split('\n')
    .filter((file) => file !== '' && !file.startsWith('.changeset/') && !/CHANGELOG|\.api\.md$/.test(file));
}

const where = ({ file, line }) => `${file}:${line}`;

/** One module per block; its name says where it comes from, so that an error of the compiler does too. */
function writeModules(blocks) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const block of blocks) {
    block.module = join(work, `${block.file.replace(/[^\w]+/g, '-')}-line-${block.line}.ts`);
    const text = block.lines.join('\n');
    writeFileSync(
      block.module,
      /^\s*(?:import|export)\b/m.test(text) ? `${text}\n` : `${text}\nexport {};\n`,
    );
  }
  const config = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: { noUnusedLocals: false },
    include: ['*.ts'],
  };
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(config));
}

async function typeCheck(blocks) {
  if (blocks.length === 0) return [];
  const { code, output } = await runCommand(process.execPath, [
    toolPath('typescript/bin/tsc'),
    '--noEmit',
    '-p',
    work,
  ]);
  return code === 0 ? [] : [output.trim()];
}

async function execute(block) {
  const { code, output } =
    block.language === 'sh'
      ? await runCommand('bash', ['-euo', 'pipefail', '-c', block.lines.join('\n')], {
          cwd: root,
          timeoutMs: RUN_TIMEOUT_MS,
        })
      : await runCommand(process.execPath, ['--conditions=@lazarus/source', block.module], {
          cwd: root,
          timeoutMs: RUN_TIMEOUT_MS,
        });
  return code === 0 ? [] : [`${where(block)} ended with ${code}:\n${output.trim()}`];
}

const blocks = (await markdownFiles()).flatMap(blocksOf);
const typescript = blocks.filter(({ language }) => language === 'ts' || language === 'typescript');
writeModules(typescript);
const problems = await typeCheck(typescript);
const runnable = blocks.filter((block) => block.runnable);
for (const { language, file, line } of runnable) {
  if (!['sh', 'ts'].includes(language))
    problems.push(`${file}:${line} only sh and ts blocks can be runnable`);
}
if (process.argv.includes('--run')) {
  for (const block of runnable) problems.push(...(await execute(block)));
}
if (problems.length > 0) console.log(problems.join('\n\n'));
else console.log(`${typescript.length} TypeScript blocks checked, ${runnable.length} blocks marked runnable`);
process.exitCode = problems.length > 0 ? 1 : 0;
