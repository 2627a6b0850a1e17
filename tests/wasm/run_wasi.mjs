// Run a WebAssembly program with the WASI that Node brings: its arguments, and one folder as /work.
//
//   node tests/wasm/run_wasi.mjs program.wasm FOLDER [ARGUMENTS...]
import { readFile } from 'node:fs/promises'
import { argv, exit } from 'node:process'
import { WASI } from 'node:wasi'

const [program, folder, ...args] = argv.slice(2)
const wasi = new WASI({
  version: 'preview1',
  args: [program, ...args],
  preopens: { '/work': folder },
  returnOnExit: true,
})
const module = await WebAssembly.compile(await readFile(program))
const instance = await WebAssembly.instantiate(module, wasi.getImportObject())
exit(wasi.start(instance))
