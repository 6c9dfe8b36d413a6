import { createContext, useContext, useState, type ReactNode } from 'react';

const ACCOUNTS = [{ username: 'demo', password: 'board-demo', name: 'Demo' }];

interface Session {
  name: string | null;
  signIn: (username: string, password: string) => boolean;
  signOut: () => void;
}

const SessionContext = createContext<Session>({ name: null, signIn: () => false, signOut: () => {} });

export function SessionProvider({ children }: { children: ReactNode }) {
  const [name, setName] = useState(() => sessionStorage.getItem('board.user'));

  function signIn(username: string, password: string) {
    const account = ACCOUNTS.find((a) => a.username === username && a.password === password);
    if (!account) return false;
    sessionStorage.setItem('board.user', account.name);
    setName(account.name);
    return true;
  }

  function signOut() {
    sessionStorage.removeItem('board.user');
    setName(null);
  }

  return <SessionContext.Provider value={{ name, signIn, signOut }}>{children}</SessionContext.Provider>;
}

export const useSession = () => useContext(SessionContext);
