import type { NextConfig } from 'next';

const config: NextConfig = {
  async redirects() {
    return [{ source: '/blog', destination: '/entries', permanent: false }];
  },
};

export default config;
