# escape=`
FROM mcr.microsoft.com/windows/servercore:ltsc2022
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN Invoke-WebRequest -Uri https://example.com/app.zip -OutFile app.zip ; `
    if ((Get-FileHash app.zip -Algorithm sha256).Hash -ne $env:APP_SHA256) { exit 1 } ; `
    Expand-Archive app.zip -DestinationPath C:\app ; `
    Remove-Item app.zip
USER ContainerUser
CMD ["C:\\app\\app.exe"]
