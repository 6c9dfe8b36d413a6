import type { ReactNode } from 'react';
import { Navigate, useLocation } from 'react-router';
import { useSession } from '../state/session';

export function Private({ children }: { children: ReactNode }) {
  const { name } = useSession();
  const location = useLocation();
  if (!name) return <Navigate to="/login" replace state={{ from: location.pathname }} />;
  return children;
}
