/** Owns which dependencies tell what a program is built with. */

/** @type {readonly (readonly [dependency: RegExp, framework: string])[]} */
const FRAMEWORKS = [
  [/^next$/, 'Next.js'],
  [/^nuxt$/, 'Nuxt'],
  [/^@remix-run\//, 'Remix'],
  [/^astro$/, 'Astro'],
  [/^@sveltejs\/kit$/, 'SvelteKit'],
  [/^react-native$/, 'React Native'],
  [/^react$/, 'React'],
  [/^vue$/, 'Vue'],
  [/^svelte$/, 'Svelte'],
  [/^@angular\/core$/, 'Angular'],
  [/^electron$/, 'Electron'],
  [/^@nestjs\/core$/, 'NestJS'],
  [/^express$/, 'Express'],
  [/^fastify$/, 'Fastify'],
  [/^hono$/, 'Hono'],
  [/^django$/i, 'Django'],
  [/^flask$/i, 'Flask'],
  [/^fastapi$/i, 'FastAPI'],
  [/^(torch|tensorflow|jax)$/i, 'machine learning'],
  [/^rails$/, 'Rails'],
  [/^sinatra$/, 'Sinatra'],
  [/^laravel\/framework$/, 'Laravel'],
  [/^symfony\/framework-bundle$/, 'Symfony'],
  [/spring-boot/, 'Spring Boot'],
  [/^io\.quarkus:/, 'Quarkus'],
  [/^com\.android\.|^androidx\./, 'Android'],
  [/^(axum|actix-web|rocket|warp)$/, 'a Rust web framework'],
  [/^tauri$/, 'Tauri'],
  [/^bevy$/, 'Bevy'],
  [/^github\.com\/(gin-gonic\/gin|labstack\/echo|gofiber\/fiber|go-chi\/chi)/, 'a Go web framework'],
  [/^github\.com\/spf13\/cobra/, 'Cobra'],
  [/^k8s\.io\/client-go$/, 'Kubernetes'],
  [/^Microsoft\.AspNetCore/, 'ASP.NET Core'],
  [/^phoenix$/, 'Phoenix'],
  [/^flutter$/, 'Flutter'],
];

/**
 * @param {readonly string[]} names of dependencies
 * @param {number} most
 * @returns {string[]} in the order of the table: what says most comes first
 */
export const frameworksOf = (names, most) =>
  [
    ...new Set(FRAMEWORKS.filter(([pattern]) => names.some((name) => pattern.test(name))).map(([, name]) => name)),
  ].slice(0, most);
