/**
 * Tools that come as Go modules, pinned: built once into .tools/go where there is Go, checked by Go's own checksum database.
 * Who needs one is skipped, and says so, where there is none.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
/** Go's own installer puts it there, and not into PATH. */
const GO = ['go', '/usr/local/go/bin/go'];

const TOOLS = {
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0',
  'kube-score': 'github.com/zegl/kube-score/cmd/kube-score@v1.20.0',
} as const;

/** The tool's file, built where it is not there yet; null: there is no Go. @throws Error where it cannot be built */
export function goTool(name: keyof typeof TOOLS): string | null {
  const module = TOOLS[name];
  const folder = join(ROOT, '.tools/go', `${name}${module.slice(module.lastIndexOf('@'))}`);
  const file = join(folder, name);
  if (existsSync(file)) return file;
  const go = findGo();
  if (go === null) return null;
  mkdirSync(folder, { recursive: true });
  execFileSync(go, ['install', module], { env: { ...process.env, GOBIN: folder }, stdio: ['ignore', 'ignore', 'pipe'] });
  return file;
}

/** The folder with the files of a module, such as `example.org/a@v1.2.3`; null: there is no Go. @throws Error where it cannot be had */
export function goModule(module: string): string | null {
  const go = findGo();
  if (go === null) return null;
  // Outside of any module of somebody's, whose versions would count.
  const text = execFileSync(go, ['mod', 'download', '-json', module], { cwd: tmpdir(), encoding: 'utf8' });
  return (JSON.parse(text) as { Dir: string }).Dir;
}

function findGo(): string | null {
  return GO.find((one) => spawnSync(one, ['version']).status === 0) ?? null;
}
