import { defineConfig } from 'vite'

/**
 * The command as a few files in the place of some four hundred: finding and reading modules is most of what a short run does.
 * What is bundled is what package-lock.json pins, with its licences; the library beside it is what tsc makes.
 */
export default defineConfig({
  publicDir: false,
  logLevel: 'warn',
  build: {
    ssr: 'dist/cli/bin.js',
    outDir: 'dist/cli',
    emptyOutDir: true,
    // It is read when something goes wrong, and its size does not matter.
    minify: false,
    target: 'node20',
    license: { fileName: 'LICENSES.md' },
    // CommonJS starts a quarter faster than ES modules.
    rolldownOptions: { output: { format: 'cjs', entryFileNames: 'bin.cjs', chunkFileNames: '[name].cjs' } },
  },
  ssr: { noExternal: true },
})
